"""Starts the processes of one pushlab, restarts those that end, and ends them with itself. Used by
`serve` and `lab`. It does nothing else, so there is nothing in it that could crash."""

import os
import selectors
import signal
import time
from collections.abc import Callable
from typing import Any

from app import log
from app.cli.child import Child, Program

#: Seconds for a process to become ready, and to end when asked to.
READY_SECONDS = 60.0
STOP_SECONDS = 15.0
#: Waits between restarts; a process that lived for STEADY_SECONDS begins again with the first.
BACKOFF = (0.05, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
STEADY_SECONDS = 10.0


class StartFailed(RuntimeError):
    """A process did not become ready. The message says which and how it ended."""


class Ended(RuntimeError):
    """With `restart=False`: a process ended. The message says which and how."""


class Supervisor:
    """Children by name. `on_change` is called after each start and restart."""

    def __init__(self, *, restart: bool = True) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self._restart = restart
        self._children: dict[str, Child] = {}
        self._due: dict[str, tuple[float, Program]] = {}
        self._failures: dict[str, int] = {}
        self._stopping = False
        self._selector = selectors.DefaultSelector()
        self._log = log.get("supervisor")
        self._listen_to_signals()

    def _listen_to_signals(self) -> None:
        """A signal writes a byte into a pipe, which wakes the one wait there is."""
        reader, writer = os.pipe()
        for end in (reader, writer):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(writer)
        self._selector.register(reader, selectors.EVENT_READ)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_stop_signal)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

    def _on_stop_signal(self, _number: int, _frame: object) -> None:
        self._stopping = True

    def start(self, program: Program) -> dict[str, Any]:
        """Start it and wait until it is ready: what it announced."""
        child = self._spawn(program)
        deadline = time.monotonic() + READY_SECONDS
        while child.announced is None:
            if self._stopping:
                raise StartFailed("stopped before everything was ready")
            if child.process.poll() is not None:
                raise StartFailed(f"The {program.name} {child.ending}. Its reason is above.")
            if time.monotonic() > deadline:
                raise StartFailed(f"The {program.name} was not ready after {READY_SECONDS:.0f} s.")
            self._wait(1.0)
        return child.announced

    def next_time(self, program: Program) -> None:
        """What to start in place of the running process of that name, should it end."""
        self._children[program.name].program = program

    def announced(self, name: str) -> dict[str, Any]:
        """What the running process of that name announced last; empty while it is away."""
        child = self._children.get(name)
        return (child.announced if child else None) or {}

    def run(self) -> None:
        """Keep them running until a stop signal comes; raises Ended with `restart=False`."""
        while not self._stopping:
            self._wait(self._until_next_restart())
            self._notice_ended()
            self._restart_due()

    def stop(self) -> None:
        """End all, the last started first: who takes requests ends before whom it sends to."""
        for child in reversed(list(self._children.values())):
            child.stop()
            self._wait_for_end(child)
        self._children.clear()

    def _wait_for_end(self, child: Child) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        while child.process.poll() is None and time.monotonic() < deadline:
            self._wait(0.5)
        child.kill()
        child.process.wait()
        self._forget(child)

    def _spawn(self, program: Program) -> Child:
        child = Child.start(program, time.monotonic())
        self._children[program.name] = child
        self._selector.register(child.stdout, selectors.EVENT_READ, child)
        return child

    def _forget(self, child: Child) -> None:
        if child.stdout in self._selector.get_map():
            self._selector.unregister(child.stdout)
        child.close()

    def _wait(self, seconds: float | None) -> None:
        for key, _events in self._selector.select(seconds):
            if isinstance(key.data, Child):
                self._read(key.data)
            else:
                os.read(key.fd, 4096)

    def _read(self, child: Child) -> None:
        if child.read():
            self.on_change()
        elif child.silent:
            self._selector.unregister(child.stdout)

    def _notice_ended(self) -> None:
        for child in list(self._children.values()):
            if child.process.poll() is not None:
                child.kill()  # its workers, should any be left
                self._forget(child)
                del self._children[child.program.name]
                self._plan_restart(child)

    def _plan_restart(self, child: Child) -> None:
        name = child.program.name
        sentence = f"The {name} (pid {child.process.pid}) {child.ending}"
        if not self._restart:
            raise Ended(f"{sentence}.")
        now = time.monotonic()
        lived = now - child.started_at
        failures = 0 if lived > STEADY_SECONDS else self._failures.get(name, -1) + 1
        self._failures[name] = failures
        wait = BACKOFF[min(failures, len(BACKOFF) - 1)]
        self._due[name] = (now + wait, child.program)
        self._log.warning(f"{sentence}; starting it again", in_seconds=wait)

    def _until_next_restart(self) -> float | None:
        if not self._due:
            return None
        return max(0.0, min(due for due, _program in self._due.values()) - time.monotonic())

    def _restart_due(self) -> None:
        for name, (due, program) in list(self._due.items()):
            if due <= time.monotonic():
                del self._due[name]
                self._spawn(program)
