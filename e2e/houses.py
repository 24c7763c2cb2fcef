"""Where the same tests run twice: an app in one process, and three nodes behind nginx. Each is a
laboratory with a push service and a journal of its own."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from e2e.browsers import BrowserPool
from e2e.device import Device
from e2e.lab import Lab
from tests import postgres
from tests.cluster.cluster import Cluster, free_port


class House(ABC):
    """A laboratory that can lose what holds a device's WebSocket, and browsers wired to it."""

    def __init__(self, lab: Lab, browsers: BrowserPool) -> None:
        self.lab = lab
        self.browsers = browsers

    @abstractmethod
    def without_the_node_of(self, device: Device) -> AbstractContextManager[None]:
        """`kill -9` what holds the device's WebSocket. Afterwards there are as many as before."""


class OneProcess(House):
    """`./pushlab lab`: the app is the only node there is, and its supervisor starts another one."""

    @contextmanager
    def without_the_node_of(self, device: Device) -> Iterator[None]:
        self.lab.kill("app_server")
        yield


class ThreeNodes(House):
    """The cluster of `deploy/nginx.conf`."""

    def __init__(self, cluster: "LabCluster", browsers: BrowserPool) -> None:
        super().__init__(cluster.lab, browsers)
        self._cluster = cluster

    @contextmanager
    def without_the_node_of(self, device: Device) -> Iterator[None]:
        number = self._cluster.number_of(device.node)
        self._cluster.kill_node(number)
        yield
        self._cluster.start_node(number)


class LabCluster(Cluster):
    """A laboratory in place of the bare app and sender: with push service, journal and faults."""

    lab: Lab

    def start_app(self, roles: str) -> None:
        environment = {**self.environment(self.app_port), "PUSHLAB_ROLES": roles}
        self.lab = Lab(self.folder / "instance", environment=environment)
        self.lab.start()

    def stop(self) -> None:
        super().stop()
        self.lab.stop()


@contextmanager
def three_nodes(folder: Path, settings: dict[str, str]) -> Iterator[LabCluster]:
    """PostgreSQL for tables and bus, a laboratory, three nodes, nginx in front."""
    with postgres.server() as server:
        cluster = LabCluster(
            folder,
            server.url,
            server.libpq_url,
            node_ports=[free_port() for _ in range(3)],
            settings={**settings, "PUSHLAB_LAB": "true"},
        )
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
