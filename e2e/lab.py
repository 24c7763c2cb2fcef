"""A laboratory of its own: `./pushlab lab` on free ports and throw-away data, its processes to
kill and its faults to switch."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from e2e.app_journal import AppJournal, DidNotHappenError, wait_until
from e2e.http import Visitor
from push_service.testing.journal import JournalClient

CHECKOUT = Path(__file__).resolve().parents[1]
START_SECONDS = 60.0
STOP_SECONDS = 30.0


class LabError(RuntimeError):
    """The laboratory did not start, or something of it ended. The text says what."""


class LabPushService:
    """The lab's push service, as `push_service.testing.browsers` wants it."""

    def __init__(self, told: Mapping[str, str], secret: str) -> None:
        self.http = told["http"]
        self.mcs = told["mcs"]
        self.spki = told["spki"]
        self.journal = JournalClient(self.http, secret)
        self._lab_face = Visitor(self.http, bearer=secret)

    def arm(self, fault: str, **fields: object) -> None:
        """Switch a fault of the push service on: `arm("accept", status=410, times=1)`."""
        answer = self._lab_face.call("PUT", f"/lab/faults/{fault}", fields)
        if answer.status >= 400:
            raise LabError(f"the push service answers {answer.status}: {answer.text}")

    def expire(self, token: str) -> None:
        """End a subscription as a vendor does: its sender gets 410, its browser hears nothing."""
        answer = self._lab_face.call("POST", f"/lab/expire/{token}")
        if answer.status != 200:
            raise LabError(f"the push service answers {answer.status}: {answer.text}")


class Lab:
    """One laboratory with its state in `folder`; stopped and started it keeps ports and data.

    With `restart=False` it ends as soon as one of its processes does, and says which. `checkout` is
    the folder of the program, for a test that changes it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        restart: bool = True,
        environment: Mapping[str, str] | None = None,
        checkout: Path = CHECKOUT,
    ) -> None:
        self.folder = folder
        self._checkout = checkout
        self.log = folder / "lab.log"
        self._restart = restart
        self._environment = environment or {}
        self._process: subprocess.Popen[str] | None = None
        self._told: dict[str, Any] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start it; returns when page and push service answer. Raises LabError."""
        self.start_push_service()
        self.wait_until_ready()

    def start_push_service(self) -> None:
        """The first half of `start`: the rest is still starting, but a browser can be launched.
        Raises LabError."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "app", "lab", "--json"),
                    "--restart" if self._restart else "--no-restart",
                ],
                cwd=self._checkout,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self._variables(),
            )
        try:
            self._told = wait_until(self._push_service_told, "a push service", START_SECONDS)
        except DidNotHappenError:
            self.stop()
            raise self._not_started() from None

    def wait_until_ready(self) -> None:
        """The second half of `start`: returns when the page answers too. Raises LabError."""
        self._told = self._read_ready_line()

    def stop(self) -> None:
        """Ask it to end and wait for it. Harmless twice."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()

    def restart(self) -> None:
        """Stop and start the whole laboratory."""
        self.stop()
        self.start()

    def command(self, *arguments: str) -> str:
        """What `./pushlab` with these arguments says, on the running laboratory's folder."""
        command = [sys.executable, "-m", "app", *arguments]
        environment = self._variables()
        done = subprocess.run(
            command, env=environment, cwd=CHECKOUT, check=True, capture_output=True
        )
        return done.stdout.decode()

    @property
    def url(self) -> str:
        """The app's origin."""
        return str(self._told["url"])

    @property
    def secret(self) -> str:
        return Path(self._told["lab_secret_file"]).read_text()

    @property
    def push_service(self) -> LabPushService:
        return LabPushService(self._told["push_service"], self.secret)

    @cached_property
    def journal(self) -> AppJournal:
        """What client, worker and app server say that happened."""
        return AppJournal(self.url, self.secret)

    @property
    def pids(self) -> dict[str, int | None]:
        """Process ids as they are now: `supervisor`, `app_server`, `app_master`, `push_service`."""
        pids: dict[str, int | None] = self._running()["pids"]
        return pids

    def guest(self) -> Visitor:
        """A user without a browser, signed in as a guest."""
        visitor = Visitor(self.url)
        visitor.enter_as_guest()
        return visitor

    def arm(self, point: str, kind: str = "fail", times: int | None = 1) -> None:
        """Switch a fault point of the app on."""
        self._operate("PUT", f"/api/lab/faults/{point}", {"kind": kind, "times": times})

    def disarm(self, point: str) -> None:
        self._operate("DELETE", f"/api/lab/faults/{point}")

    def disarm_all(self) -> None:
        """Switch all fault points off."""
        answer = Visitor(self.url, bearer=self.secret).call("GET", "/api/lab/faults")
        for point in answer.json()["faults"]:
            self.disarm(point)

    def kill(self, name: str) -> None:
        """`kill -9` one of `pids`; returns when another one has taken its place."""
        pid = self.pids[name]
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        self.wait_for_another(name, pid)

    @contextlib.contextmanager
    def without(self, name: str) -> Iterator[None]:
        """In here that process does not answer; afterwards another one is in its place."""
        pid = self.pids[name]
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGKILL)
            self.wait_for_another(name, pid)

    def wait_for_another(self, name: str, pid: int | None) -> int:
        """The id of the process that took the place of `pid`."""

        def look() -> int | None:
            now = self.pids[name]
            return now if now != pid else None

        return wait_until(look, f"a new {name} in place of {pid}", START_SECONDS)

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def has_failed(self, within: float) -> bool:
        """Whether one of its processes ends within so many seconds. With `restart=False` the
        laboratory ends then; this returns when it has."""
        try:
            wait_until(self._has_lost_a_process, "the end of a process", within)
        except DidNotHappenError:
            return False
        if self._process is not None:
            self._process.wait(STOP_SECONDS)
        return True

    def _has_lost_a_process(self) -> bool:
        pids = self._told["pids"].values()
        return not self.is_running() or not all(map(_is_alive, pids))

    def last_words(self) -> str:
        """What it said last."""
        lines = self.log.read_text(errors="replace").splitlines()
        said = [line for line in lines if line.startswith("Error: ")]
        return said[-1].removeprefix("Error: ") if said else self.log_end()

    def log_end(self, lines: int = 20) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _operate(self, method: str, path: str, body: object = None) -> None:
        answer = Visitor(self.url, bearer=self.secret).call(method, path, body)
        if answer.status != 204:
            raise LabError(f"{method} {path} answers {answer.status}: {answer.text}")

    def _variables(self) -> dict[str, str]:
        """The environment, without the settings of whoever runs the tests."""
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("PUSHLAB_")
        }
        own = {"PUSHLAB_INSTANCE_DIR": str(self.folder), "PUSHLAB_PORT": "0"}
        return {**inherited, **own, **self._environment}

    def _running(self) -> dict[str, Any]:
        """What the laboratory says about itself; empty before it says anything."""
        with contextlib.suppress(FileNotFoundError):
            running: dict[str, Any] = json.loads((self.folder / "running.json").read_text())
            return running
        return {}

    def _push_service_told(self) -> dict[str, Any] | None:
        if self._process is None or self._process.poll() is not None:
            self.stop()
            raise self._not_started()
        running = self._running()  # or what a killed one left behind
        ours = running and running["pids"]["supervisor"] == self._process.pid
        return running if ours and running["push_service"] else None

    def _not_started(self) -> LabError:
        return LabError(f"the laboratory did not start:\n{self.log_end()}")

    def _read_ready_line(self) -> dict[str, Any]:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        readable, _, _ = select.select([process.stdout], [], [], START_SECONDS)
        line = process.stdout.readline() if readable else ""
        try:
            told: dict[str, Any] = json.loads(line)
        except ValueError:
            self.stop()
            raise self._not_started() from None
        return told


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
