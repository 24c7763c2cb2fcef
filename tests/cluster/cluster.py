"""A cluster as it is deployed: PostgreSQL, an app with the sender, nodes, and nginx with the
configuration of `deploy/` in front. All of it real processes on free ports, to kill and to start
again."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests import postgres, waiting

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0
Process = subprocess.Popen[str]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def reap(process: Process) -> None:
    """Wait for its end, and let go of what it said."""
    process.wait(PATIENCE)
    if process.stdout:
        process.stdout.close()


@dataclass
class Cluster:
    """`url` is where browsers go. `nodes` by number; each keeps its port over its deaths."""

    folder: Path
    database_url: str
    bus_url: str
    port: int = field(default_factory=free_port)
    app_port: int = field(default_factory=free_port)
    node_ports: list[int] = field(default_factory=lambda: [free_port(), free_port()])
    settings: dict[str, str] = field(default_factory=dict)
    #: Whose code runs: this checkout's, or a copy's.
    checkout: Path = ROOT
    nodes: dict[int, Process] = field(default_factory=dict)
    _others: list[Process] = field(default_factory=list)

    @property
    def socket_ports(self) -> list[int]:
        """Where WebSockets are taken."""
        return self.node_ports or [self.app_port]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.start_behind_the_proxy()
        self._others.append(self._nginx())
        waiting.until(self._nginx_answers, PATIENCE)

    def start_behind_the_proxy(self) -> None:
        """App and nodes alone, each by its own port; without nodes the app is one itself."""
        self.start_app("app,sender" if self.node_ports else "app,node,sender")
        for number in range(len(self.node_ports)):
            self.start_node(number)

    def start_app(self, roles: str) -> None:
        self._others.append(self._pushlab("serve", self.app_port, PUSHLAB_ROLES=roles))

    def start_node(self, number: int) -> None:
        self.nodes[number] = self._pushlab("node", self.node_ports[number])

    def kill_node(self, number: int) -> None:
        """`kill -9` for gunicorn's master and its worker, as a power cut would."""
        process = self.nodes.pop(number)
        os.killpg(process.pid, signal.SIGKILL)
        reap(process)

    def ask_to_stop(self, number: int) -> Process:
        """As a rolling restart does; `reap` waits for its end."""
        process = self.nodes.pop(number)
        process.terminate()
        return process

    def incarnation(self, number: int) -> str:
        """The name that this node gives itself now."""
        port = self.node_ports[number]
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=PATIENCE) as answer:
            return str(json.load(answer)["node"])

    def number_of(self, incarnation: str) -> int:
        """Which node gives itself this name."""
        return next(number for number in self.nodes if self.incarnation(number) == incarnation)

    def stop(self) -> None:
        """The newest first; each process group ends with its leader."""
        for process in [*self.nodes.values(), *reversed(self._others)]:
            process.terminate()
        for process in [*self.nodes.values(), *self._others]:
            reap(process)

    def _pushlab(self, command: str, port: int, **settings: str) -> Process:
        """Returns once it listens; it may still be loading, while requests wait in the kernel."""
        process = subprocess.Popen(
            [sys.executable, "-m", "app", command, "--json"],
            cwd=self.checkout,
            env=self.environment(port) | settings,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())
        return process

    def environment(self, port: int) -> dict[str, str]:
        """What every process of the cluster gets."""
        inherited = {name: v for name, v in os.environ.items() if not name.startswith("PUSHLAB_")}
        return inherited | {
            "PUSHLAB_DATABASE_URL": self.database_url,
            "PUSHLAB_BUS_URL": self.bus_url,
            "PUSHLAB_INSTANCE_DIR": str(self.folder / "instance"),
            "PUSHLAB_PUBLIC_URL": self.url,
            "PUSHLAB_PORT": str(port),
            "PUSHLAB_PROXIES": "1",
            "PUSHLAB_SWEEP_SECONDS": "1",
            **self.settings,
        }

    def _nginx(self) -> Process:
        program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
        if program is None:
            pytest.skip("nginx is not installed: make setup")
        main = self.folder / "nginx.conf"
        main.write_text(self._nginx_main(self._site()))
        command = [program, "-p", str(self.folder), "-c", str(main), "-g", "daemon off;"]
        return subprocess.Popen(command, text=True, stderr=subprocess.DEVNULL)

    def _site(self) -> str:
        """What is deployed, with the ports of this test and as many nodes as it has."""
        site = (ROOT / "deploy" / "nginx.conf").read_text()
        site = site.replace(":8000", f":{self.app_port}").replace(":8080", f":{self.port}")
        (first, *others) = re.findall(r" +server 127\.0\.0\.1:800[1-9] .*\n", site)
        for other in others:
            site = site.replace(other, "")
        nodes = [re.sub(r":\d+", f":{port}", first) for port in self.node_ports]
        return site.replace(first, "".join(nodes))

    def _nginx_main(self, site: str) -> str:
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        places = "".join(f"{kind}_temp_path {self.folder}/{kind};\n" for kind in kinds)
        user = "user root;\n" if os.geteuid() == 0 else ""
        return (
            f"{user}pid {self.folder}/nginx.pid;\nerror_log {self.folder}/nginx.log;\n"
            f"events {{}}\nhttp {{\naccess_log off;\n{places}{site}}}\n"
        )

    def _nginx_answers(self) -> bool:
        try:
            with urlopen(f"{self.url}/healthz", timeout=PATIENCE):
                return True
        except URLError:
            return False


@contextmanager
def running(folder: Path, bus: str) -> Iterator[Cluster]:
    """`bus`: "http" or "postgresql"."""
    with postgres.server() as server:
        url = server.libpq_url if bus == "postgresql" else "http://127.0.0.1"
        cluster = Cluster(folder, server.url, url)
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
