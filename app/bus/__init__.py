"""How processes ring each other. The queue is a doorbell, never the mailbox: a lost ring costs one
sweep, so no adapter has to promise delivery. `open_bus` picks the adapter; called by wiring."""

from app.bus.contract import Bus


def open_bus(url: str) -> Bus:
    """The adapter for the URL's scheme, not started. ValueError: there is no such adapter."""
    scheme = url.partition(":")[0]
    if scheme == "memory":
        from app.bus.memory import MemoryBus

        return MemoryBus()
    raise ValueError(f"no bus speaks {scheme}://: use memory://")
