"""The processes of one pushlab put together: the app, and the local push service where there is
one. `serve` and `lab` call `keep`; they differ in the environment that they hand in."""

import contextlib
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import click

from app import config
from app.cli import instance
from app.cli.child import Program
from app.cli.supervisor import Ended, StartFailed, Supervisor

APP = "App Server"
PUSH_SERVICE = "Push Service"

#: Where the endpoints of Chromium's subscriptions point; a subscription that our push service
#: made is told by the beginning of its token, so a real one of Google's is left alone.
GOOGLE_ORIGINS = ("https://jmt17.google.com", "https://fcm.googleapis.com")
GOOGLE_PATHS = ("/fcm/send/lab_", "/wp/lab_", "/preprod/wp/lab_")


def keep(
    environment: Mapping[str, str],
    tell: Callable[[dict[str, Any]], None],
    *,
    restart: bool = True,
) -> None:
    """Run the house until a stop signal; `tell` gets what is running once it is ready."""
    house = House(environment, restart=restart)
    with house.taken():
        try:
            house.start()
            tell(house.told())
            house.supervisor.run()
        except (StartFailed, Ended) as error:
            raise click.ClickException(str(error)) from None
        finally:
            house.supervisor.stop()


class House:
    """Settings, the listening socket, and the supervisor with the processes."""

    def __init__(self, environment: Mapping[str, str], *, restart: bool) -> None:
        self._environment = dict(environment)
        self._settings = config.load(self._environment)
        self._folder = self._settings.instance_dir
        self._ports = instance.ports(self._folder)
        self._listener = socket.socket()
        self._restart = restart
        self.supervisor: Supervisor

    @contextlib.contextmanager
    def taken(self) -> Iterator[None]:
        """The instance folder and the port are ours in here."""
        lock = instance.lock(self._folder)
        with self._listener:
            self._listen()
            self.supervisor = Supervisor(restart=self._restart)
            try:
                yield
            finally:
                instance.forget_running(self._folder)
                os.close(lock)

    def start(self) -> None:
        """Start all; from the first on, the instance folder tells which run."""
        self.supervisor.on_change = lambda: instance.tell_running(self._folder, self.told())
        if self._settings.push_service == "local":
            self._start_push_service()
        self.supervisor.start(self._app_program())
        instance.remember_ports(self._folder, self._ports)

    def told(self) -> dict[str, Any]:
        """What runs, for people, tests and the other commands. Process ids change at restarts."""
        app = self.supervisor.announced(APP)
        push_service = self.supervisor.announced(PUSH_SERVICE)
        return {
            "ready": bool(app),
            "url": self._settings.public_url,
            "lab": self._settings.lab,
            "instance_dir": str(self._folder),
            "lab_secret_file": str(self._folder / "lab-secret") if self._settings.lab else None,
            "push_service": push_service or None,
            "pids": {
                "supervisor": os.getpid(),
                "app_server": app.get("pid"),
                "app_master": app.get("master"),
                "push_service": push_service.get("pid"),
            },
        }

    def _listen(self) -> None:
        """Hold the app's socket here: requests wait, instead of failing, while it restarts."""
        host, port = self._settings.host, self._settings.port or self._ports.get("app", 0)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listener.bind((host, port))
        except OSError as error:
            raise click.ClickException(_cannot_listen(host, port, error)) from None
        self._listener.listen(1024)
        self._ports["app"] = self._listener.getsockname()[1]
        self._set(PUSHLAB_PORT=str(self._ports["app"]))

    def _set(self, **variables: str) -> None:
        self._environment |= variables
        self._settings = config.load(self._environment)

    def _start_push_service(self) -> None:
        port = urlsplit(self._settings.push_service_url or "").port or 0
        mcs_port = self._ports.get("mcs", 0)
        for number in (port, mcs_port):
            _refuse_taken(number)
        told = self.supervisor.start(self._push_service_program(port, mcs_port))
        self._ports["push_service"] = urlsplit(told["http"]).port or 0
        self._ports["mcs"] = int(told["mcs"].rpartition(":")[2])
        again = self._push_service_program(self._ports["push_service"], self._ports["mcs"])
        self.supervisor.next_time(again)  # it may have found free ports; now they are its own
        self._set(PUSHLAB_PUSH_SERVICE_URL=told["http"], PUSHLAB_PUSH_ROUTES=_routes(told["http"]))

    def _push_service_program(self, port: int, mcs_port: int) -> Program:
        argv = [sys.executable, "-m", "push_service", f"--data={self._folder / 'push-service'}"]
        argv += [f"--port={port}", f"--mcs-port={mcs_port}"]
        # A third party: of our settings it gets the secret of its own lab face, and no other.
        environment = {
            name: value
            for name, value in self._environment.items()
            if not name.startswith(config.PREFIX)
        }
        if self._settings.lab:
            argv += ["--lab", f"--lab-origin={self._settings.public_url}"]
            environment["PUSHLAB_LAB_SECRET"] = self._environment["PUSHLAB_LAB_SECRET"]
        return Program(PUSH_SERVICE, argv, environment)

    def _app_program(self) -> Program:
        number = self._listener.fileno()
        argv = [sys.executable, "-m", "app", "app-server", f"--listen-fd={number}"]
        return Program(APP, argv, self._environment, inherited_files=(number,))


def _routes(push_service: str) -> str:
    return ",".join(
        f"{origin}{path}={push_service}{path}" for origin in GOOGLE_ORIGINS for path in GOOGLE_PATHS
    )


def _refuse_taken(port: int) -> None:
    """Say so before the push service is started on a port that someone else has."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise click.ClickException(
                f"The push service cannot listen on 127.0.0.1:{port}: {error.strerror}.\n"
                "Browsers have subscribed to it there, so end the program that has the port; or\n"
                "start afresh, which ends those subscriptions:  rm instance/ports.json"
            ) from None


def _cannot_listen(host: str, port: int, error: OSError) -> str:
    return (
        f"Cannot listen on {host}:{port}: {error.strerror}.\n"
        "If another program has the port, end it, or take another port, for example:\n"
        f"  PUSHLAB_PORT={port + 1} ./pushlab {click.get_current_context().info_name}"
    )
