"""Invariants over the whole tree that no single test would notice."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted([*ROOT.glob("bot/**/*.py"), *ROOT.glob("cogs/**/*.py")])


def test_rooms_import_downwards_only():
    """The dependency rule of ARCHITECTURE.md, as import-linter reads it from pyproject.toml."""
    lint_imports = Path(sys.executable).with_name("lint-imports")
    if not lint_imports.exists():
        pytest.skip("import-linter is not installed (extra `check`)")

    result = subprocess.run(
        [lint_imports, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert 0 == result.returncode, result.stdout


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is(path: Path):
    """Each module starts with a docstring."""
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_pickled_or_left_undone(path: Path):
    """Records are JSON, and unfinished work lives in issues, not in comments."""
    text = path.read_text(encoding="utf-8")

    assert "import pickle" not in text
    assert "TODO" not in text
    assert "NotImplementedError" not in text
