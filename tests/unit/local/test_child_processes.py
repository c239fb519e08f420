"""Children are restarted, end with their sentence, and never outlive their parent."""

import asyncio
import os
import signal
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.local.processes import ChildEndedError, ChildSpec, supervised

LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's PDEATHSIG")


def child(folder: Path, code: str) -> ChildSpec:
    return ChildSpec(
        name="child",
        arguments=[sys.executable, "-uc", textwrap.dedent(code)],
        environment=dict(os.environ),
        log_path=folder / "logs" / "child.log",
    )


async def eventually(condition: Callable[[], bool]) -> None:
    for _ in range(400):
        if condition():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError


def written(path: Path) -> str:
    return path.read_text() if path.exists() else ""


async def wait_for_text(path: Path, text: str) -> str:
    await eventually(lambda: text in written(path))
    return written(path)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


async def test_a_child_is_asked_to_end_when_the_context_closes(tmp_path: Path) -> None:
    """It gets SIGTERM and may say goodbye."""
    spec = child(
        tmp_path,
        """
        import signal, sys, time
        signal.signal(signal.SIGTERM, lambda *_: (print("goodbye"), sys.exit(0)))
        print("ready")
        time.sleep(60)
        """,
    )
    async with supervised(spec, lambda _line: None) as task:
        await wait_for_text(spec.log_path, "ready")
        assert not task.done()
    assert "ready\ngoodbye\n" == written(spec.log_path)


async def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    """A crash is told to the person, and another child takes its place."""
    shown: list[str] = []
    spec = child(tmp_path, "import os, time; print(os.getpid(), 'runs'); time.sleep(60)")
    async with supervised(spec, shown.append):
        first = (await wait_for_text(spec.log_path, "runs")).split()[0]
        os.kill(int(first), signal.SIGKILL)
        await eventually(lambda: written(spec.log_path).count("runs") == 2)
    assert 1 == len(shown)
    assert shown[0].startswith("The child was ended by signal 9; it starts again in ")


async def test_a_child_that_cannot_start_ends_all_with_its_sentence(tmp_path: Path) -> None:
    """Exit codes of the settings kind are not worth a second try."""
    spec = child(
        tmp_path,
        """
        import sys
        print("bardling: DISCORD_TOKEN = '' is wrong.", file=sys.stderr)
        sys.exit(78)
        """,
    )
    async with supervised(spec, lambda _line: None) as task:
        with pytest.raises(ChildEndedError, match=r"^DISCORD_TOKEN = '' is wrong\.$"):
            await asyncio.wait_for(asyncio.shield(task), 20)


async def test_only_warnings_of_a_child_are_shown(tmp_path: Path) -> None:
    """Everything else is in its log."""
    shown: list[str] = []
    spec = child(
        tmp_path,
        """
        import json, time
        print(json.dumps({"level": "info", "event": "bot ready", "guilds": 1}))
        print(json.dumps({"level": "warning", "event": "retried", "job_id": "7"}))
        voice = {"level": "warning", "event": "no voice", "logger": "discord.client"}
        print(json.dumps(voice))
        print("not json; done")
        time.sleep(60)
        """,
    )
    async with supervised(spec, shown.append):
        log = await wait_for_text(spec.log_path, "done")
    assert ["child: warning: retried job_id=7"] == shown
    assert "bot ready" in log


@LINUX_ONLY
async def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    """Not even kill -9 of the parent leaves it behind."""
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        textwrap.dedent(
            f"""
            import asyncio, os, sys
            from pathlib import Path
            from bot.local.processes import ChildSpec, supervised
            async def main():
                code = "import os, time; print(os.getpid(), 'runs'); time.sleep(60)"
                spec = ChildSpec(name="child", arguments=[sys.executable, "-uc", code],
                                 environment=dict(os.environ),
                                 log_path=Path({str(tmp_path)!r}, "log"))
                async with supervised(spec, print):
                    await asyncio.sleep(60)
            asyncio.run(main())
            """
        ),
    )
    try:
        pid = int((await wait_for_text(tmp_path / "log", "runs")).split()[0])
        assert is_alive(pid)
    finally:
        parent.kill()
        await parent.wait()
    await eventually(lambda: not is_alive(pid))
