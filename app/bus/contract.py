"""What every bus promises, and what it does not. Its users rely on nothing else."""

from collections.abc import Callable
from typing import Protocol

from app.bus.envelope import Envelope

Handler = Callable[[Envelope], None]


class BusError(Exception):
    """The envelope could not be handed over; nobody needs to try again."""


class Bus(Protocol):
    """At most once; no order between two rings; no replay. An envelope, perhaps in parts, reaches
    the one node it is addressed to, or nobody. The handler runs in the bus's own thread or
    greenlet, must be quick, and what it raises is logged and forgotten."""

    def start(self) -> None:
        """Connect. May be called in a process that only rings and has no node."""

    def stop(self) -> None:
        """Disconnect; what is not yet handled is forgotten."""

    def subscribe(self, handler: Handler) -> str:
        """A node begins here. Returns its `node_uri`: the address for `ring`, new at each call, so
        that a node that starts again is another node."""

    def unsubscribe(self, node_uri: str) -> None:
        """The node is no more; rings for it go nowhere."""

    def ring(self, node_uri: str, envelope: Envelope, timeout: float) -> None:
        """Hand the envelope over within `timeout` seconds, else raise BusError. A node that is no
        more is no error: its devices are found by the next node that takes them over."""
