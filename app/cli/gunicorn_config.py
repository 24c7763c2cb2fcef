"""How gunicorn runs the app: one gevent worker, as many connections as the file limit allows. Used
by the commands `app-server` and `node`."""

import json
import resource
import sys
from typing import Any
from weakref import WeakKeyDictionary

import gevent
from flask import Flask
from gunicorn.workers.ggevent import GeventWorker

from app import wiring
from app.cli.garbage import spare_the_loaded

#: Files that are not a browser's connection: database, logs, sends to push services.
RESERVED_FILES = 256
#: Seconds that requests under way get when the process is asked to end.
GRACE = 10


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn carries no types
    """A gevent worker that ends the app's own greenlets at the stop signal, beside the requests
    that gunicorn waits for: of the node's sockets gunicorn knows nothing (`net.upgrade`).
    Connections that browsers only keep open are closed then; gunicorn would wait for them too, and
    looks but once a second whether there is still something to wait for."""

    stopping: "gevent.Greenlet[[Flask], None] | None" = None
    ending: "gevent.Greenlet[..., None] | None" = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._connections: set[Any] = set()
        self._between_requests = WeakKeyDictionary[Any, gevent.Timeout]()

    def handle(self, *accepted: Any) -> None:
        """gunicorn calls it in a greenlet for each connection."""
        self._connections.add(gevent.getcurrent())
        try:
            super().handle(*accepted)
        finally:
            self._connections.discard(gevent.getcurrent())

    def timeout_ctx(self) -> gevent.Timeout:
        """gunicorn enters it to wait for a connection's next request."""
        waiting: gevent.Timeout = super().timeout_ctx()
        self._between_requests[gevent.getcurrent()] = waiting
        return waiting

    def handle_exit(self, sig: int, frame: object) -> None:
        super().handle_exit(sig, frame)
        if self.booted and self.stopping is None:  # else `run` ends as soon as it begins
            self.stopping = gevent.spawn(wiring.stop, self.app.wsgi())
            gevent.spawn(self._close_idle)
            self.ending = gevent.spawn(self._end, self.stopping)

    def _close_idle(self) -> None:
        for greenlet, waiting in list(self._between_requests.items()):
            if waiting.pending:
                greenlet.kill(waiting, block=False)

    def _end(self, stopping: "gevent.Greenlet[[Flask], None]") -> None:
        """As soon as nothing is under way. What then still waits to be accepted is for the next
        process: the supervisor holds the listening socket."""
        stopping.join()
        while self._connections:
            gevent.joinall(list(self._connections))
        sys.exit(0)

    def run(self) -> None:
        super().run()
        if self.stopping is None:
            self.stopping = gevent.spawn(wiring.stop, self.app.wsgi())
        self.stopping.join(GRACE)
        if self.ending is not None:  # nobody is there any more to take its exit
            self.ending.kill()


def post_worker_init(worker: Worker) -> None:
    """Start the app and tell the supervisor, which reads this process's standard output."""
    wiring.start(worker.app.wsgi())
    spare_the_loaded()
    print(json.dumps({"ready": True, "pid": worker.pid, "master": worker.ppid}), flush=True)


def raise_file_limit() -> int:
    """Lift the soft limit of open files to the hard one; the number of files there may be."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 1_000_000 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def options(bind: str) -> dict[str, Any]:
    """gunicorn's settings for a process that listens on `bind`, an address or `fd://N`."""
    return {
        "bind": bind,
        "workers": 1,
        "worker_class": Worker,
        "worker_connections": max(100, raise_file_limit() - RESERVED_FILES),
        "when_ready": lambda _arbiter: spare_the_loaded(),  # in the master, before it forks
        "post_worker_init": post_worker_init,
        "graceful_timeout": GRACE,
        "keepalive": 30,
        "loglevel": "warning",
        # All gunicorns of one user would share one control socket.
        "control_socket_disable": True,
    }
