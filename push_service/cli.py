"""The command `pushlab-push-service`, also `python -m push_service`.

Nothing that touches sockets or threads is imported before gevent has patched the standard library:
therefore the imports inside the functions.
"""

import gc
import json
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

import click

from push_service.browser_wiring import browser_flags
from push_service.limits import Limits
from push_service.wire.dialects import DIALECTS
from push_service.wire.headers import LARGEST_BODY, MAX_BODY

SECRET = "PUSHLAB_LAB_SECRET"  # noqa: S105 - the name of the variable
F = TypeVar("F", bound=Callable[..., Any])
PORT = click.IntRange(0, 65535)


def main() -> None:
    """Entry point of the console script."""
    patch()
    gc.disable()  # until all is loaded: a tenth of the start
    command()


def patch() -> None:
    """gevent asks all installed packages at each step whether they have a plugin for it. Once is
    enough: the rest took a fifth of the start."""
    from gevent import monkey

    ask = metadata.entry_points
    metadata.entry_points = cache(ask)  # type: ignore[assignment]
    try:
        monkey.patch_all()
    finally:
        metadata.entry_points = ask


def limit(
    option: str, field: str, text: str, least: int = 0, most: int | None = None
) -> Callable[[F], F]:
    """An option that sets a field of Limits."""
    default = Limits.__dataclass_fields__[field].default
    return click.option(
        option,
        field,
        type=click.IntRange(least, most),
        default=default,
        show_default=True,
        help=text,
    )


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=PORT, default=0, help="HTTP and Firefox's WebSocket; 0: a free one.")
@click.option("--tls-port", type=PORT, help="The same over TLS; 0: a free one. Without: no https.")
@click.option("--mcs-port", type=PORT, default=0, help="Chromium's push connection (TLS).")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("push-service-data"),
    show_default=True,
    help="Where devices, subscriptions, messages and the certificate are kept.",
)
@click.option("--database-url", help="SQLAlchemy URL, instead of a SQLite file in --data.")
@click.option("--public-url", help="Origin to publish, when it is not the HTTP port's own.")
@click.option(
    "--personality",
    type=click.Choice(list(DIALECTS)),
    default="mozilla",
    show_default=True,
    help="Whose refusals application servers get: status codes, bodies, strictness.",
)
@limit(
    "--max-body",
    "max_body",
    "Bytes of a message; at least 4096 (RFC 8030 §7.2).",
    least=MAX_BODY,
    most=LARGEST_BODY,
)
@limit(
    "--subscription-rate",
    "subscription_rate",
    "Messages a minute to one subscription; 0: any number.",
)
@limit("--sender-rate", "sender_rate", "Messages a minute from one VAPID key; 0: any number.")
@limit("--subscription-messages", "subscription_messages", "Held for one subscription.", least=1)
@limit("--device-messages", "device_messages", "Held for one browser profile.", least=1)
@limit("--device-bytes", "device_bytes", "Held for one browser profile.", least=MAX_BODY)
@limit("--device-subscriptions", "device_subscriptions", "Of one browser profile.", least=1)
@limit("--devices", "devices", "Browser profiles that are known at once.", least=1)
@limit("--messages", "messages", "Held in all.", least=1)
@click.option(
    "--stop-with-stdin",
    is_flag=True,
    help="End when standard input does: with the program that holds its other end.",
)
@click.option("--lab", is_flag=True, help=f"Serve journal and faults; needs {SECRET}.")
@click.option("--lab-origin", multiple=True, help="Origin of a page that may use the lab face.")
@click.option(
    "--print-browser-flags",
    is_flag=True,
    help="Print, as JSON, how to start browsers for the service that runs on --data; then exit.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="warning",
    show_default=True,
)
def command(**options: Any) -> None:
    """A Web Push service that stock Chromium and Firefox subscribe to, without internet.

    Its first line on stdout is a JSON object that says where it listens.
    """
    if options["print_browser_flags"]:
        click.echo(json.dumps(_browser_flags(options["data"]), indent=2))
        return
    logging.basicConfig(
        level=options["log_level"].upper(),
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    _serve(options)


def _browser_flags(data: Path) -> dict[str, Any]:
    try:
        ready = json.loads((data / "ready.json").read_text())
    except OSError as error:
        raise click.ClickException(
            f"no push service has run on {data} yet: start one, then ask again"
        ) from error
    return browser_flags(ready)


def _serve(options: dict[str, Any]) -> None:
    import signal

    import gevent
    from gevent.event import Event

    from push_service.service import STARTUP_ERRORS, Service, Settings

    os.umask(0o077)
    settings = Settings(
        data=options["data"],
        host=options["host"],
        port=options["port"],
        tls_port=options["tls_port"],
        mcs_port=options["mcs_port"],
        public_url=options["public_url"],
        database_url=options["database_url"],
        personality=options["personality"],
        limits=Limits(**{field.name: options[field.name] for field in fields(Limits)}),
        lab_secret=_lab_secret() if options["lab"] else None,
        lab_origins=options["lab_origin"],
    )
    asked_to_stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, asked_to_stop.set)
    try:
        service = Service(settings)
    except STARTUP_ERRORS as error:
        raise click.ClickException(str(error)) from error
    service.start()
    gc.freeze()  # what is loaded stays: the garbage collector need not walk through it again
    gc.enable()
    click.echo(json.dumps(service.ready))
    sys.stdout.flush()
    if options["stop_with_stdin"]:
        gevent.spawn(_wait_for_end_of_input).link(lambda _: asked_to_stop.set())
    asked_to_stop.wait()
    service.stop()


def _wait_for_end_of_input() -> None:
    """The system closes the other end of a pipe for whoever held it, however that one died."""
    from gevent.os import tp_read

    while tp_read(sys.stdin.fileno(), 4096):
        pass


def _lab_secret() -> str:
    secret = os.environ.get(SECRET, "")
    if len(secret) < 16:
        raise click.UsageError(f"--lab needs a secret of 16 characters or more in {SECRET}")
    return secret
