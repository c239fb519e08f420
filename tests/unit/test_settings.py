"""Settings: where they come from, and how a wrong one is told."""

from pathlib import Path

import pytest

from bot.errors import SettingError
from bot.settings import load_settings


def test_defaults_need_no_environment():
    """A host who sets nothing gets the small model and the engine that fits."""
    settings = load_settings({})

    assert (None, "small", "auto") == (settings.discord_token, settings.model, settings.engine)
    assert "https://discord.com/api/v10" == settings.discord_api_url
    assert settings.discord_gateway_url is None


def test_command_line_beats_environment_beats_file_beats_defaults(tmp_path: Path):
    """Each source overrules the ones below it."""
    file = tmp_path / "host.toml"
    file.write_text('model = "from-file"\nlog = "json"\n[worker]\nslots = 3\ndrain_s = 5\n')
    environment = {"BARDLING_CONFIG": str(file), "BARDLING_SLOTS": "4", "BARDLING_MODEL": "env"}

    settings = load_settings(environment, {"model": "from-line", "worker.slots": None})

    assert ("from-line", "json", 4, 5.0) == (
        settings.model,
        settings.log,
        settings.slots,
        settings.drain_s,
    )


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"BARDLING_SLOTS": "many"}, "BARDLING_SLOTS = 'many' (from the environment)"),
        ({"BARDLING_SLOTS": "-1"}, "must be a number from 0 to 1024"),
        ({"BARDLING_DRAIN_S": "nan"}, "must be a number"),
        (
            {"BARDLING_ENGINE": "gpt"},
            "must be one of auto, wide, llama_cpp, xllamacpp, ctransformers",
        ),
        ({"BARDLING_LOG_LEVEL": "loud"}, "BARDLING_LOG_LEVEL"),
        ({"DISCORD_API_URL": "https://discord.com"}, "must end in /api/v10"),
        ({"DISCORD_API_URL": "discord.com/api/v10"}, "must be an address"),
        ({"DISCORD_GATEWAY_URL": "http://gateway"}, "must be an address that starts with wss://"),
        ({"REDIS_URL": "http://:hunter2@host"}, "must start with redis://"),
        ({"REDIS_URL": "unix+sentinel://:hunter2@host/main"}, "redis+sentinel:// or redis+cluster"),
        ({"REDIS_URL": "redis://u:p[w@h/0"}, "must start with redis://"),
        ({"DISCORD_API_URL": "http://[x/api/v10"}, "must be an address"),
        ({"BARDLING_HOME": "~nosuchuser/x"}, "names a user that there is not"),
        ({"BARDLING_POOL": "a b"}, "must be made of letters"),
        ({"BARDLING_CONFIG": "/nowhere.toml"}, "can't be read"),
        ({"DISCORD_TOKEN_FILE": "/nowhere.txt"}, "the file can't be read"),
        ({"BARDLING_OUTPUTS_KEEP_DAYS": "0"}, "must be a number from 1 to 3650"),
        ({"BARDLING_STORIES_KEEP_DAYS": "0"}, "must be a number from 1 to 3650"),
        ({"BARDLING_STORIES_PER_SERVER": "201"}, "must be a number from 1 to 200"),
        ({"BARDLING_PRIVACY_URL": "example.org"}, "must be an address that starts with https://"),
    ],
)
def test_wrong_setting_is_one_sentence_with_name_value_and_origin(
    environment: dict[str, str], named: str
):
    """The start ends with a sentence and exit code 78, and no secret is repeated."""
    with pytest.raises(SettingError) as caught:
        load_settings(environment)

    assert named in str(caught.value)
    assert 78 == caught.value.exit_code
    assert "hunter2" not in str(caught.value)


def test_unknown_key_in_the_file_is_refused(tmp_path: Path):
    """A misspelled key must not be ignored silently."""
    file = tmp_path / "host.toml"
    file.write_text("[worker]\nslotz = 3\n")

    with pytest.raises(SettingError, match=r"worker\.slotz = '3' \(from .*host\.toml\)"):
        load_settings({"BARDLING_CONFIG": str(file)})


def test_secrets_come_from_files_and_are_not_shown(tmp_path: Path):
    """The *_FILE form works, and a printed Settings holds no secret."""
    token = tmp_path / "token"
    token.write_text("s3cret\n")

    settings = load_settings(
        {"DISCORD_TOKEN_FILE": str(token), "REDIS_URL": "redis://:pass@host:1/0"}
    )

    assert "s3cret" == settings.discord_token
    assert "s3cret" not in repr(settings)
    assert "pass" not in repr(settings)


def test_secret_in_the_file_is_refused(tmp_path: Path):
    """A token in the TOML file is no setting."""
    file = tmp_path / "host.toml"
    file.write_text('discord_token = "x"\n')

    with pytest.raises(SettingError, match="there is no such setting"):
        load_settings({"BARDLING_CONFIG": str(file)})


def test_limits_of_the_host_have_defaults_and_variables_of_their_own():
    """Out of the box only requests are limited."""
    default = load_settings({}).limits
    own = load_settings({"BARDLING_LIMITS_CEILING_MEMBER_TOKENS_PER_DAY": "9000"}).limits

    assert (6, 0, 0, 0) == (
        default.member_requests_per_minute,
        default.member_tokens_per_hour,
        default.ceiling_member_tokens_per_day,
        default.ceiling_server_tokens_per_day,
    )
    assert (6, 9000) == (own.member_requests_per_minute, own.ceiling_member_tokens_per_day)
    with pytest.raises(SettingError, match="BARDLING_LIMITS_MEMBER_TOKENS_PER_HOUR"):
        load_settings({"BARDLING_LIMITS_MEMBER_TOKENS_PER_HOUR": "-1"})


def test_receipt_keys_are_read_newest_first(tmp_path: Path):
    """From one line with commas, or from a file with a line for each."""
    keys = (b"the newest of keys", b"an older key of mine")
    file = tmp_path / "keys"
    file.write_text("the newest of keys\n\nan older key of mine\n")

    assert () == load_settings({}).receipt_keys
    for environment in (
        {"BARDLING_RECEIPT_KEYS": "the newest of keys, an older key of mine,"},
        {"BARDLING_RECEIPT_KEYS_FILE": str(file)},
    ):
        settings = load_settings(environment)
        assert keys == settings.receipt_keys
        assert "newest of keys" not in repr(settings)


def test_short_receipt_key_is_refused_and_not_repeated():
    """Nobody reads it in a log."""
    with pytest.raises(SettingError, match="at least 16 characters") as caught:
        load_settings({"BARDLING_RECEIPT_KEYS": "a key that is long enough,hunter2"})

    assert "hunter2" not in str(caught.value)
