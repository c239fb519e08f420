"""The command line: what it takes, what it prints, and the exit code it ends with."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot import __version__
from bot.__main__ import main
from bot.model.store import SMALL
from tests.model_files import make_huggingface_folder

pytestmark = pytest.mark.usefixtures("own_logging")

CONFIG, USAGE, INTERRUPTED = 78, 2, 130
_OURS = ("BARDLING_", "DISCORD_", "REDIS_")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own, and an environment without any setting."""
    for name in list(os.environ):
        if name.startswith(_OURS):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BARDLING_HOME", str(tmp_path))
    return tmp_path


def test_version(capsys: pytest.CaptureFixture[str]):
    """One line, even where the settings are wrong: who reports a fault needs it first."""
    with pytest.raises(SystemExit) as end:
        main(["--version"])

    assert (0, f"bardling {__version__}\n") == (end.value.code, capsys.readouterr().out)


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]):
    """A newcomer finds the way from here."""
    with pytest.raises(SystemExit) as end:
        main(["--help"])

    output = capsys.readouterr().out
    assert 0 == end.value.code
    for command in ("try", "run", "worker", "models", "bench"):
        assert f"\n    {command} " in output


@pytest.mark.parametrize(
    "line",
    [
        "",
        "dance",
        "models",
        "models verify",
        "models import",
        "models download",
        "models download 124M --from nowhere",
        "bench",
        "bench speed",
        "run 3",
        "run --slots 1",
        "try --port http",
        "worker --slots many",
        "worker --threads 1.5",
        "worker --engine gpt",
    ],
)
def test_wrong_arguments_end_with_the_usage(line: str, capsys: pytest.CaptureFixture[str]):
    """Exit code 2, as everywhere; nothing on standard output."""
    with pytest.raises(SystemExit) as end:
        main(line.split())

    output, errors = capsys.readouterr()
    assert (USAGE, "") == (end.value.code, output)
    assert errors.startswith("usage: bardling")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("worker --slots 1025", "worker.slots = '1025' (from the command line): must be a number"),
        ("worker --threads -1", "worker.threads = '-1' (from the command line): must be a number"),
        ("worker --model nosuch", "The model file nosuch can't be used: there is no model of this"),
        ("worker --model /nowhere/x.gguf", "The model file /nowhere/x.gguf can't be used: "),
        ("bench engine --model nosuch", "The model file nosuch can't be used: "),
        ("run", "DISCORD_TOKEN = '' (from the environment): the bot needs its token"),
        ("run --shards 3-1/4", "--shards = '3-1/4' (from the command line): must look like"),
        ("run --shards x", "--shards = 'x' (from the command line): must look like"),
        ("models verify /nowhere/x.gguf", "The model file /nowhere/x.gguf can't be used: "),
        ("models import /nowhere/folder", "The model file /nowhere/folder"),
        ("models download small", "The model file small can't be used: it ships with Bardling"),
        ("models download 125M", "The model file 125M can't be used: the catalogue has no model"),
        ("models download 124M --proxy ftp://x", "--proxy = '(not shown)' (from the command line)"),
        ("models download x/y --mirror x", "--mirror = '(not shown)' (from the command line)"),
    ],
)
def test_what_bardling_knows_ends_as_one_sentence(
    line: str, sentence: str, capsys: pytest.CaptureFixture[str]
):
    """Exit code 78 (EX_CONFIG), one line on standard error, no traceback."""
    assert CONFIG == main(line.split())

    output, errors = capsys.readouterr()
    told = errors.splitlines()[-1]
    assert told.startswith(f"bardling: {sentence}")
    assert told.endswith(".")
    assert "Traceback" not in errors
    assert "" == output


@pytest.mark.parametrize("line", ["models list", "run", "worker", "try --once x", "bench queue"])
def test_wrong_setting_ends_every_command_at_once(
    line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Before anything is opened or written; the environment is named as its origin."""
    monkeypatch.setenv("BARDLING_LOG", "loud")

    assert CONFIG == main(line.split())

    output, errors = capsys.readouterr()
    assert "" == output
    assert errors == (
        "bardling: BARDLING_LOG = 'loud' (from the environment): must be one of console, json.\n"
    )


def test_command_line_overrules_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """What is typed now counts more than what was set up once."""
    monkeypatch.setenv("BARDLING_MODEL", "from-environment")

    assert CONFIG == main(["worker"])
    assert "from-environment" in capsys.readouterr().err
    assert CONFIG == main(["worker", "--model", "117M"])
    assert "'bardling models download 124M' gets it" in capsys.readouterr().err
    assert CONFIG == main(["worker", "--model", "from-line"])
    assert "The model file from-line" in capsys.readouterr().err


def test_unreachable_service_has_its_own_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """69 (EX_UNAVAILABLE), so that whoever started it can tell; a password is not repeated."""
    monkeypatch.setenv("DISCORD_TOKEN", "s3cret")
    monkeypatch.setenv("REDIS_URL", "redis://:hunter2@host:port")

    assert 69 == main(["run"])

    errors = capsys.readouterr().err
    assert errors.endswith("bardling: The address of Redis can't be understood.\n")
    assert "hunter2" not in errors
    assert "s3cret" not in errors


def test_logging_is_as_the_settings_say(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """JSON where JSON is wanted, on standard error."""
    monkeypatch.setenv("BARDLING_LOG", "json")

    assert CONFIG == main(["worker", "--model", "nosuch"])

    assert capsys.readouterr().err.startswith('{"engine": ')


def test_models_are_listed_verified_and_imported(home: Path, capsys: pytest.CaptureFixture[str]):
    """From a Hugging Face folder to a model that a worker can be told to run."""
    folder = make_huggingface_folder(home / "tiny-gpt2")

    assert 0 == main(["models", "import", str(folder), "--quantization", "f16"])
    [made] = capsys.readouterr().out.splitlines()
    assert 0 == main(["models", "verify", made])
    verified = capsys.readouterr().out
    assert 0 == main(["models", "list"])
    here, _, offered = capsys.readouterr().out.partition("\n\n")
    listed = {line.split("\t")[0]: line.split("\t")[-1] for line in here.splitlines()}

    assert str(home / "models" / "tiny-gpt2.gguf") == made
    assert verified.startswith(f"{made}: tiny-gpt2, gguf, f16, ")
    assert made == listed["tiny-gpt2"]
    assert Path(listed[SMALL]).is_file()
    assert (
        "124M\t124 million parameters\t549.6 MB to download\tMIT\tHugging Face, OpenAI" in offered
    )


def test_imported_model_takes_the_given_name(home: Path, capsys: pytest.CaptureFixture[str]):
    """And a quarter of the size, unless told otherwise."""
    folder = make_huggingface_folder(home / "tiny-gpt2")

    assert 0 == main(["models", "import", str(folder), "--name", "fox"])

    [made] = capsys.readouterr().out.splitlines()
    assert "fox.gguf" == Path(made).name
    assert 0 == main(["models", "verify", made])
    assert ": fox, gguf, q8_0, " in capsys.readouterr().out


@pytest.mark.parametrize("name", ["../fox", "", "a b", "-x"])
def test_name_that_is_no_file_name_is_refused(
    name: str, home: Path, capsys: pytest.CaptureFixture[str]
):
    """Nothing is written outside the home folder; an empty name counts as not given."""
    folder = make_huggingface_folder(home / "not a name")

    assert CONFIG == main(["models", "import", str(folder), f"--name={name}"])

    assert "is no name for a model" in capsys.readouterr().err
    assert [folder] == [path for path in home.iterdir() if path.is_dir()]


def test_interrupted_command_ends_quietly(tmp_path: Path):
    """Ctrl-C: exit code 130, no traceback. A settings file that never comes keeps it waiting."""
    pipe = tmp_path / "host.toml"
    os.mkfifo(pipe)
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from bot.__main__ import main; sys.exit(main(['models', 'list']))"
    )
    with (
        subprocess.Popen(
            [sys.executable, "-c", program],
            env=os.environ | {"BARDLING_CONFIG": str(pipe)},
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
        pipe.open("wb"),  # waits until the command reads it
    ):
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)

    assert (INTERRUPTED, "") == (process.returncode, errors)
