"""A push service as a process of its own, for tests: started, killed, started again.

with PushServiceProcess(tmp_path) as push_service:
    push_service.http      # "http://127.0.0.1:41237"
    push_service.kill()    # SIGKILL
    push_service.start()   # the same ports, the same devices, subscriptions and messages
    push_service.journal.wait_for("message.acknowledged")
    push_service.reset()   # nobody is subscribed any more; nothing has happened yet

It ends with the process that started it, also when that one is killed.
"""

import json
import os
import secrets
import selectors
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from push_service.browser_wiring import browser_flags
from push_service.testing.journal import JournalClient

START_SECONDS = 30.0
STOP_SECONDS = 10.0


class PushServiceStartError(RuntimeError):
    """The push service did not become ready; the text ends with what it said."""


class PushServiceProcess:
    """One push service on free ports of 127.0.0.1, with its state in the folder `data`.

    `tls` adds an https port (`https`, trusted through `ca`). `arguments` are further command line
    options of `python -m push_service`. What it logs is in the file `log` of the folder.
    """

    def __init__(self, data: Path, *, tls: bool = False, arguments: Sequence[str] = ()) -> None:
        self.data = data
        self.log = data / "push-service.log"
        self.secret = secrets.token_urlsafe(32)
        self._tls = tls
        self._arguments = arguments
        self._process: subprocess.Popen[str] | None = None
        self._ready: dict[str, Any] = {}
        self._beginning = 0  # of the journal, since the last reset

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
        """Start it, on the ports it had before if it had any; returns when it is ready.

        Raises PushServiceStartError.
        """
        self.data.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.PIPE,  # never written to: it ends when we do
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=os.environ | {"PUSHLAB_LAB_SECRET": self.secret},
            )
        self._ready = self._read_ready_line()

    def stop(self) -> None:
        """Ask it to end (SIGTERM) and wait for it. Harmless twice."""
        self._end(gently=True)

    def kill(self) -> None:
        """End it at once (SIGKILL), as a crash would. Harmless twice."""
        self._end(gently=False)

    def restart(self) -> None:
        """Kill it and start it again."""
        self.kill()
        self.start()

    def reset(self) -> None:
        """As if it were new, at a hundredth of the cost: every subscription ends and its endpoint
        answers 410, messages that were held are dropped, faults are switched off, and `journal`
        begins here. Connections stay. Starts it when it does not run.
        """
        if self._process is None or self._process.poll() is not None:
            self.restart()
        self._beginning = int(self._operate("POST", "/lab/reset")["cursor"])

    def arm(self, fault: str, **fields: object) -> None:
        """Switch a fault on: `arm("accept", status=503, retry_after=1, times=2)` answers two
        messages like that, `arm("hold")` keeps messages from the browsers.

        Raises ValueError, with what the push service says, when there is no such fault or field.
        """
        self._operate("PUT", f"/lab/faults/{fault}", fields)

    def disarm(self, fault: str) -> None:
        """Switch it off. Harmless when it is."""
        self._operate("DELETE", f"/lab/faults/{fault}")

    @property
    def http(self) -> str:
        """The origin, such as `http://127.0.0.1:41237`."""
        return str(self._ready["http"])

    @property
    def https(self) -> str:
        """The same over TLS; only with `tls=True`."""
        return str(self._ready["tls"])

    @property
    def mcs(self) -> str:
        """Host and port of the socket that Chromium connects to."""
        return str(self._ready["mcs"])

    @property
    def spki(self) -> str:
        """Base64 of the SHA-256 of the TLS key, for Chromium."""
        return str(self._ready["spki"])

    @property
    def ca(self) -> Path:
        """The authority's certificate (PEM), for everybody else."""
        return Path(self._ready["ca"])

    @property
    def pid(self) -> int:
        return int(self._ready["pid"])

    @property
    def journal(self) -> JournalClient:
        """What happened in it since it was started or reset last."""
        return JournalClient(self.http, self.secret, beginning=self._beginning)

    @property
    def environment(self) -> dict[str, str]:
        """Variables that make an application send to us what it would send to Google.

        With them in its environment it needs no change: it posts to Chromium's endpoints, which
        name a host of Google's, and its HTTP library brings that here (as a proxy's CONNECT, with
        our authority for its trust). It reaches no other https host then. Firefox's endpoints are
        ours anyway.
        """
        ca, loopback = str(self.ca), "127.0.0.1,localhost,::1"
        trust = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
        return {
            **dict.fromkeys(("HTTPS_PROXY", "https_proxy"), self.http),
            **dict.fromkeys(("NO_PROXY", "no_proxy"), loopback),
            **dict.fromkeys(trust, ca),
        }

    @property
    def browser_flags(self) -> dict[str, Any]:
        """How to start browsers by other means than this harness: Chromium's `args`, Firefox's
        `prefs`. The same as `pushlab-push-service --print-browser-flags` prints."""
        return browser_flags(self._ready)

    def resolve(self, endpoint: str) -> str:
        """Where a message for this endpoint has to be posted.

        Chromium builds its endpoints from a vendor's host and our path; Firefox takes ours whole.
        """
        return self.http + urlsplit(endpoint).path

    def expire(self, endpoint: str) -> None:
        """End a subscription as a vendor does: senders get 410, and the browser hears nothing.

        Raises ValueError when there is none with this endpoint.
        """
        self._operate("POST", f"/lab/expire/{_token_of(endpoint)}")

    def close_connection(self, endpoint: str, code: int = 1001) -> None:
        """End the connection of the subscription's browser. Firefox is told the code."""
        self._operate("POST", f"/lab/close/{_token_of(endpoint)}", {"code": code})

    def _operate(self, method: str, path: str, body: dict[str, object] | None = None) -> Any:
        """Ask the lab face; the JSON that it answers, or None."""
        headers = {"Authorization": f"Bearer {self.secret}"}
        with closing(HTTPConnection(urlsplit(self.http).netloc, timeout=STOP_SECONDS)) as lab:
            lab.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = lab.getresponse()
            said = json.loads(answer.read() or b"null")
        if answer.status >= 300:
            raise ValueError(f"{method} {path}: {answer.status} {said['message']}")
        return said

    def _command(self) -> list[str]:
        command = [sys.executable, "-m", "push_service", "--data", str(self.data), "--lab"]
        command += ["--stop-with-stdin"]
        command += ["--port", self._port("http"), "--mcs-port", self._port("mcs")]
        if self._tls:
            command += ["--tls-port", self._port("tls")]
        return [*command, *self._arguments]

    def _port(self, face: str) -> str:
        return str(self._ready[face]).rpartition(":")[2] if self._ready else "0"

    def _read_ready_line(self) -> dict[str, Any]:
        process = self._process
        assert process is not None
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            line = process.stdout.readline() if selector.select(START_SECONDS) else ""
        try:
            ready: dict[str, Any] = json.loads(line)
        except ValueError:
            self.kill()
            said = self.log.read_text(errors="replace")[-4000:]
            raise PushServiceStartError(f"the push service did not start:\n{line}{said}") from None
        return ready

    def _end(self, *, gently: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if gently:
            process.terminate()
        else:
            process.kill()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _token_of(endpoint: str) -> str:
    """The push service's name of a subscription: the last part of the URL."""
    return urlsplit(endpoint).path.rpartition("/")[2]
