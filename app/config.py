"""The environment, read once into one frozen `Settings`. Unknown, malformed or contradictory values
are refused at start with a sentence. Called by the commands and by tests; nobody else reads
`os.environ`."""

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

PREFIX = "PUSHLAB_"
Role = Literal["app", "node", "sender"]


class ConfigError(ValueError):
    """A setting cannot be used. The message is for the operator: which one, and what to type."""


def _words(value: object) -> object:
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return value


def _origin(value: object) -> object:
    """An origin as browsers write it: scheme, host and port, no path, no trailing slash."""
    if not isinstance(value, str):
        return value
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise ValueError("must be an origin such as https://push.example or http://127.0.0.1:8000")
    return f"{parts.scheme}://{parts.netloc}".lower()


def _routes(value: object) -> object:
    pairs = _words(value)
    if not isinstance(pairs, list):
        return value
    routes = [tuple(pair.split("=", 1)) if isinstance(pair, str) else pair for pair in pairs]
    if any(len(route) != 2 for route in routes):
        raise ValueError("must be PREFIX=URL pairs separated by commas")
    return routes


Origin = Annotated[str, BeforeValidator(_origin)]
Words = BeforeValidator(_words)


class Settings(BaseModel):
    """Every setting; the environment variable is the field's name in capitals after `PUSHLAB_`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    public_url: Origin = Field(
        "", description="Origin under which browsers reach the app; default http://127.0.0.1:PORT."
    )
    proxies: int = Field(
        0, ge=0, le=10, description="Proxies in front, whose X-Forwarded-For is believed."
    )
    instance_dir: Path = Field(
        Path("instance"), description="Folder for the database and the secrets made at first start."
    )
    database_url: str = Field(
        "", description="SQLAlchemy URL; default SQLite in the instance folder."
    )
    bus_url: str = Field("memory://", description="How processes ring each other.")
    roles: Annotated[frozenset[Role], Words] = Field(
        frozenset({"app", "node", "sender"}), description="What this process is: app, node, sender."
    )
    lab: bool = Field(False, description="Lab mode: journal, faults and the local push service.")
    lab_secret: SecretStr | None = Field(
        None, description="Secret shared with the local push service's lab face; made by `lab`."
    )
    cache_assets: bool | None = Field(
        None,
        description="Whether browsers may keep styles and scripts; not in lab mode by default.",
    )
    push_service: Literal["vendors", "local"] = Field(
        "vendors", description="`vendors` (FCM, Mozilla, WNS, Apple) or our own, `local`."
    )
    push_service_url: Origin | None = Field(
        None, description="Origin of the local push service, when PUSH_SERVICE is local."
    )
    push_routes: Annotated[tuple[tuple[str, str], ...], BeforeValidator(_routes)] = Field(
        (), description="PREFIX=URL pairs: endpoints beginning with PREFIX are sent to URL instead."
    )
    push_ca: Path | None = Field(
        None, description="PEM file: an authority that vouches for PUSH_ROUTES and our own service."
    )
    secret_key: SecretStr | None = Field(
        None, description="Key that signs cookies; made in the instance folder when not given."
    )
    vapid_private_key: SecretStr | None = Field(
        None, description="PEM or base64url of the VAPID private key; made when not given."
    )
    vapid_subject: str = Field(
        "mailto:operator@pushlab.example",
        pattern=r"^(mailto:[^@\s]+@[^@\s]+|https://\S+)$",
        description="Contact in the VAPID token, mailto: or https: (RFC 8292 section 2.1).",
    )
    device_retention: int = Field(
        30 * 86400, ge=60, description="Seconds after which a silent device expires."
    )
    sweep_seconds: float = Field(5.0, gt=0, description="Seconds between two sweeps of a node.")
    beat_seconds: float = Field(
        2.0, gt=0, description="Seconds between two heartbeats of a node; dead after five."
    )
    unacked_grace: float = Field(
        10.0, ge=0, description="Seconds before push-if-unacked pushes to a device that is silent."
    )
    push_timeout: float = Field(10.0, gt=0, description="Seconds one Web Push request may take.")
    sender_greenlets: int = Field(64, ge=1, le=500, description="Web Push requests at a time.")
    token_requests: int = Field(
        600, ge=1, description="Requests a minute that one API token may make."
    )
    operators: Annotated[frozenset[str], Words] = Field(
        frozenset(), description="Names of accounts that may open /ops and /metrics."
    )
    metrics_token: SecretStr | None = Field(
        None, min_length=16, description="Bearer token with which a program may read /metrics."
    )
    metrics_listen: str = Field(
        "",
        pattern=r"^$|^(\[[0-9a-fA-F:.]+\]|[\w.-]+):[0-9]{1,5}$",
        description="HOST:PORT of a private listener that answers /metrics without a token.",
    )
    log_format: Literal["text", "json"] = Field("text", description="How log lines are written.")

    @model_validator(mode="before")
    @classmethod
    def _fill_defaults(cls, values: dict[str, Any]) -> dict[str, Any]:
        values = dict(values)
        if "public_url" not in values and "app" not in values.get("roles", "app"):
            raise ValueError("PUSHLAB_PUBLIC_URL: say where the app is, whose part this process is")
        values.setdefault("public_url", f"http://127.0.0.1:{values.get('port', 8000)}")
        folder = Path(values.get("instance_dir", "instance")).absolute()
        values["instance_dir"] = folder
        values.setdefault("database_url", f"sqlite:///{folder / 'pushlab.db'}")
        return values

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> "Settings":
        if self.push_service == "vendors" and _is_at_localhost(self.vapid_subject):
            raise ValueError(
                "PUSHLAB_VAPID_SUBJECT: Apple refuses every message of a sender at localhost;"
                " give an address that leads to you, such as mailto:you@your-domain.org"
            )
        if self.push_service == "local" and not self.push_service_url:
            raise ValueError("PUSHLAB_PUSH_SERVICE=local needs PUSHLAB_PUSH_SERVICE_URL")
        if self.bus_url == "memory://" and self.roles != {"app", "node", "sender"}:
            raise ValueError(
                "PUSHLAB_BUS_URL=memory:// reaches one process only:"
                " give it all of PUSHLAB_ROLES=app,node,sender, or use http:// or postgresql://"
            )
        return self

    @property
    def secure(self) -> bool:
        """True when browsers come over https, so cookies must be Secure."""
        return self.public_url.startswith("https://")

    @property
    def cookie_suffix(self) -> str:
        """Cookies ignore ports, so in the lab, where several apps share a host, names carry it."""
        port = urlsplit(self.public_url).port
        return f"_{port}" if self.lab and port else ""


def _is_at_localhost(subject: str) -> bool:
    """Whether a subject, of the shape that Settings takes, leads to nobody but this machine."""
    parts = urlsplit(subject)
    host = parts.path.rpartition("@")[2] if parts.scheme == "mailto" else parts.hostname or ""
    host = host.lower().rstrip(".")
    return host == "localhost" or host.endswith(".localhost")


def load(environment: Mapping[str, str] = os.environ, **overrides: Any) -> Settings:
    """Settings from the environment; raises ConfigError naming each unusable variable."""
    values: dict[str, Any] = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX) and value != ""
    }
    try:
        return Settings(**{**values, **overrides})
    except ValidationError as error:
        raise ConfigError("\n".join(_sentences(error))) from None


def _sentences(error: ValidationError) -> list[str]:
    return [
        _sentence(str(item["loc"][0]) if item["loc"] else "", item["msg"], item["type"])
        for item in error.errors(include_url=False, include_input=False)
    ]


def _sentence(field: str, message: str, kind: str) -> str:
    message = message.removeprefix("Value error, ")
    if not field:
        return message
    if kind == "extra_forbidden":
        return f"{PREFIX}{field.upper()} is not a setting: see docs/settings.md"
    return f"{PREFIX}{field.upper()}: {message}"


def read_or_make(path: Path, make: Callable[[], bytes]) -> bytes:
    """The secret kept in `path`; made once by `make()` with mode 0600, by one process only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(make())
        try:
            os.link(fresh, path)  # fails when another process was first: its secret counts
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_bytes()
