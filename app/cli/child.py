"""One process that the supervisor started: its standard output is read for JSON lines that say it
is ready, and it ends when the supervisor does, however that ends."""

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Program:
    """What to start. `name` is how people call it in messages: "Push Service"."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    inherited_files: tuple[int, ...] = ()


@dataclass
class Child:
    """A started program. `announced` is its last JSON line; None while it is not ready."""

    program: Program
    process: subprocess.Popen[bytes]
    started_at: float
    announced: dict[str, Any] | None = None
    #: True once its standard output is closed.
    silent: bool = False
    _unread: bytearray = field(default_factory=bytearray)

    @classmethod
    def start(cls, program: Program, now: float) -> "Child":
        supervisor = os.getpid()
        process = subprocess.Popen(
            program.argv,
            env=program.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            pass_fds=program.inherited_files,
            process_group=0,  # a Ctrl-C in the terminal reaches the supervisor alone
            preexec_fn=lambda: _end_with(supervisor),
        )
        child = cls(program, process, now)
        os.set_blocking(child.stdout, False)
        return child

    @property
    def stdout(self) -> int:
        """The file number of its standard output, to wait on."""
        assert self.process.stdout is not None
        return self.process.stdout.fileno()

    def read(self) -> bool:
        """Take what it wrote. True when it announced something new."""
        try:
            chunk = os.read(self.stdout, 65536)
        except BlockingIOError:
            return False
        self.silent = not chunk
        self._unread += chunk
        *lines, rest = self._unread.split(b"\n")
        self._unread = bytearray(rest)
        return any([self._take(bytes(line)) for line in lines])  # noqa: C419  # take them all

    def _take(self, line: bytes) -> bool:
        with contextlib.suppress(ValueError):
            message = json.loads(line)
            if isinstance(message, dict) and message.get("ready"):
                self.announced = message
                return True
        sys.stderr.write(line.decode(errors="replace") + "\n")
        return False

    def stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, and the workers in its process group with it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> None:
        """After its end: let go of its output."""
        if self.process.stdout:
            self.process.stdout.close()

    @property
    def ending(self) -> str:
        """How it ended, as half a sentence."""
        code = self.process.returncode
        if code is None:
            return "is running"
        if code < 0:
            return f"ended: killed by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"


def _end_with(supervisor: int) -> None:
    """In the new process: have the kernel end it when the supervisor is gone, even by `kill -9`."""
    if _libc is None:
        return
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != supervisor:  # it was gone before the kernel knew of our wish
        os._exit(1)
