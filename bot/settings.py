"""Settings: read once at the start, environment over TOML over defaults, wrong ones refused.

Called by `__main__` and `app`; everybody else gets the values as arguments. Opens files, no
connections.
"""

import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

from bot.errors import SettingError

_SECRETS = ("discord_token", "redis_url", "receipt_keys")
_MIN_KEY = 16  # characters
ENGINES = ("auto", "wide", "llama_cpp", "xllamacpp", "ctransformers", "scripted")
Number = TypeVar("Number", int, float)
_DEFAULT_REDIS_URL = "redis://127.0.0.1:6379/0"
_REDIS_SCHEMES = frozenset(
    ("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel", "redis+cluster",
     "rediss+cluster")
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """What the host sets for all servers; 0 = no limit."""

    member_requests_per_minute: int
    member_tokens_per_hour: int
    ceiling_member_tokens_per_day: int
    ceiling_server_tokens_per_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of one process; `config/default.toml` says what each means."""

    discord_token: str | None
    redis_url: str
    discord_api_url: str
    discord_gateway_url: str | None
    model: str
    engine: str
    home: Path
    log: str
    log_level: str
    pool: str
    max_queued: int
    max_queued_per_server: int
    max_queued_per_user: int
    max_running_per_server: int
    max_running_per_user: int
    lease_s: float
    slots: int | None
    threads: int | None
    kv_mb: int | None
    drain_s: float
    keep_days: int
    story_days: int
    stories_per_server: int
    privacy_url: str
    receipt_keys: tuple[bytes, ...]
    limits: LimitSettings

    def __repr__(self) -> str:
        """Leaves the secrets out, so that a logged or traced Settings gives nothing away."""
        shown = (f.name for f in fields(self) if f.name not in _SECRETS)
        return f"Settings({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


@dataclass(frozen=True, slots=True)
class _Found:
    """A raw value and where it came from, kept together so that errors can name both."""

    name: str
    value: Any
    origin: str

    def wrong(self, reason: str) -> SettingError:
        return SettingError(self.name, str(self.value), self.origin, reason)


def load_settings(
    environment: Mapping[str, str], overrides: Mapping[str, object] | None = None
) -> Settings:
    """Reads all settings.

    Args:
        environment: usually `os.environ`.
        overrides: values from the command line by TOML key ("model", "worker.slots"); None values
            are ignored.

    Raises:
        SettingError: a setting is wrong; the message names it, its value and its origin.
    """
    sources = _Sources(environment, overrides or {})
    return Settings(
        discord_token=sources.secret("DISCORD_TOKEN"),
        redis_url=_redis_url(sources.secret("REDIS_URL") or _DEFAULT_REDIS_URL),
        discord_api_url=_url(sources.find("discord_api_url", "DISCORD_API_URL"), "http", "https"),
        discord_gateway_url=_url(
            sources.find("discord_gateway_url", "DISCORD_GATEWAY_URL"), "ws", "wss"
        )
        or None,
        model=_text(sources.find("model", "BARDLING_MODEL")),
        engine=_choice(sources.find("engine", "BARDLING_ENGINE"), ENGINES),
        home=_folder(sources.find("home", "BARDLING_HOME")),
        log=_choice(sources.find("log", "BARDLING_LOG"), ("console", "json")),
        log_level=_choice(
            sources.find("log_level", "BARDLING_LOG_LEVEL"), ("debug", "info", "warning", "error")
        ),
        pool=_pool(sources.find("queue.pool", "BARDLING_POOL")),
        max_queued=_whole(sources.find("queue.max_queued", "BARDLING_MAX_QUEUED"), 1, 10_000_000),
        max_queued_per_server=_cap(sources, "max_queued_per_server", 1),
        max_queued_per_user=_cap(sources, "max_queued_per_user", 1),
        max_running_per_server=_cap(sources, "max_running_per_server", 0),
        max_running_per_user=_cap(sources, "max_running_per_user", 0),
        lease_s=_seconds(sources.find("queue.lease_s", "BARDLING_LEASE_S"), 1, 300),
        slots=_whole(sources.find("worker.slots", "BARDLING_SLOTS"), 0, 1024) or None,
        threads=_whole(sources.find("worker.threads", "BARDLING_THREADS"), 0, 1024) or None,
        kv_mb=_whole(sources.find("worker.kv_mb", "BARDLING_KV_MB"), 0, 1_000_000_000) or None,
        drain_s=_seconds(sources.find("worker.drain_s", "BARDLING_DRAIN_S"), 0, 600),
        keep_days=_whole(sources.find("outputs.keep_days", "BARDLING_OUTPUTS_KEEP_DAYS"), 1, 3650),
        story_days=_whole(sources.find("stories.keep_days", "BARDLING_STORIES_KEEP_DAYS"), 1, 3650),
        stories_per_server=_whole(
            sources.find("stories.per_server", "BARDLING_STORIES_PER_SERVER"), 1, 200
        ),
        privacy_url=_link(sources.find("privacy_url", "BARDLING_PRIVACY_URL")),
        receipt_keys=_receipt_keys(sources.secret("BARDLING_RECEIPT_KEYS") or ""),
        limits=_limits(sources),
    )


class _Sources:
    """Where a setting may come from, asked in order: command line, environment, file, defaults."""

    def __init__(self, environment: Mapping[str, str], overrides: Mapping[str, object]) -> None:
        self._environment = environment
        self._overrides = {key: value for key, value in overrides.items() if value is not None}
        self._defaults = _flatten(_read_toml(_default_path(), "the defaults"))
        self._file: dict[str, object] = {}
        self._file_name = environment.get("BARDLING_CONFIG", "")
        if self._file_name:
            self._file = _flatten(_read_toml(Path(self._file_name), "BARDLING_CONFIG"))
            for key in self._file.keys() - self._defaults.keys():
                reason = "there is no such setting; config/default.toml lists them all"
                raise SettingError(key, str(self._file[key]), self._file_name, reason)

    def find(self, key: str, variable: str) -> _Found:
        if key in self._overrides:
            return _Found(key, self._overrides[key], "the command line")
        if self._environment.get(variable):
            return _Found(variable, self._environment[variable], "the environment")
        if key in self._file:
            return _Found(key, self._file[key], self._file_name)
        return _Found(key, self._defaults[key], "the defaults")

    def secret(self, variable: str) -> str | None:
        """A secret from the environment or from the file named by `<variable>_FILE`."""
        if self._environment.get(variable):
            return self._environment[variable].strip()
        path = self._environment.get(f"{variable}_FILE")
        if not path:
            return None
        try:
            return Path(path).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = f"the file can't be read ({_plain(error)})"
            raise SettingError(f"{variable}_FILE", path, "the environment", reason) from error


def _cap(sources: _Sources, name: str, least: int) -> int:
    return _whole(sources.find(f"queue.{name}", f"BARDLING_{name.upper()}"), least, 10_000_000)


def _limits(sources: _Sources) -> LimitSettings:
    names = (field.name for field in fields(LimitSettings))
    return LimitSettings(
        **{
            name: _whole(
                sources.find(f"limits.{name}", f"BARDLING_LIMITS_{name.upper()}"), 0, 1_000_000_000
            )
            for name in names
        }
    )


def _default_path() -> Path:
    """`bot/default.toml` in an installed package, `config/default.toml` in a checkout."""
    here = Path(__file__).parent
    packaged = here / "default.toml"
    return packaged if packaged.exists() else here.parent / "config" / "default.toml"


def _read_toml(path: Path, origin: str) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        name = "BARDLING_CONFIG"
        raise SettingError(name, str(path), origin, f"can't be read ({_plain(error)})") from error


def _plain(error: Exception) -> str:
    return error.strerror or "unreadable" if isinstance(error, OSError) else str(error)


def _flatten(table: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """{"worker": {"slots": 1}} -> {"worker.slots": 1}."""
    flat: dict[str, object] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{key}.")  # pyright: ignore[reportUnknownArgumentType]  # TOML tables have string keys
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _text(found: _Found) -> str:
    if not isinstance(found.value, str) or not found.value.strip():
        raise found.wrong("must be a text that is not empty")
    return found.value.strip()


def _folder(found: _Found) -> Path:
    try:
        return Path(_text(found)).expanduser()
    except RuntimeError:
        raise found.wrong("names a user that there is not") from None


def _choice(found: _Found, allowed: tuple[str, ...]) -> str:
    text = str(found.value).strip().lower()
    if text not in allowed:
        raise found.wrong(f"must be one of {', '.join(allowed)}")
    return text


def _number(found: _Found, read: Callable[[str], Number], low: Number, high: Number) -> Number:
    try:
        number = read(str(found.value).strip())
    except ValueError:
        number = None
    if number is None or isinstance(found.value, bool) or not low <= number <= high:
        raise found.wrong(f"must be a number from {low} to {high}")
    return number


def _whole(found: _Found, low: int, high: int) -> int:
    return _number(found, int, low, high)


def _seconds(found: _Found, low: float, high: float) -> float:
    seconds = _number(found, float, low, high)
    if math.isnan(seconds):
        raise found.wrong("must be a number of seconds")
    return seconds


def _pool(found: _Found) -> str:
    name = _text(found)
    if not name.replace("-", "").replace("_", "").isalnum():
        raise found.wrong("must be made of letters, digits, - and _")
    return name


def _url(found: _Found, *schemes: str) -> str:
    text = str(found.value).strip().rstrip("/")
    if not text and found.origin == "the defaults":
        return text
    parts = _split(text)
    if parts is None or parts.scheme not in schemes or not parts.hostname:
        raise found.wrong(f"must be an address that starts with {schemes[-1]}://")
    if parts.scheme in ("http", "https") and not parts.path.endswith("/api/v10"):
        raise found.wrong("must end in /api/v10")
    return text


def _link(found: _Found) -> str:
    """An address that people open, or "" where there is none."""
    text = str(found.value).strip()
    parts = _split(text)
    if text and (parts is None or parts.scheme not in ("http", "https") or not parts.hostname):
        raise found.wrong("must be an address that starts with https://")
    return text


def _receipt_keys(text: str) -> tuple[bytes, ...]:
    """Keys between commas or on lines of their own, the newest first; never repeats them."""
    keys = [key.strip() for line in text.splitlines() for key in line.split(",") if key.strip()]
    if any(len(key) < _MIN_KEY for key in keys):
        reason = f"each key must have at least {_MIN_KEY} characters"
        raise SettingError("BARDLING_RECEIPT_KEYS", "(not shown)", "the environment", reason)
    return tuple(key.encode() for key in keys)


def _split(url: str) -> SplitResult | None:
    """The parts of an address, or None where it makes no sense at all."""
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _redis_url(url: str) -> str:
    """Checks the scheme only; never repeats the address, which may hold a password."""
    parts = _split(url)
    if parts is None or parts.scheme not in _REDIS_SCHEMES:
        reason = (
            "must start with redis://, rediss://, unix://, redis+sentinel:// or redis+cluster:// "
            "(or rediss+sentinel://, rediss+cluster://)"
        )
        raise SettingError("REDIS_URL", "(not shown)", "the environment", reason)
    return url
