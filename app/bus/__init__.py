"""How processes ring each other. The queue is a doorbell, never the mailbox: a lost ring costs one
sweep, so no adapter has to promise delivery. `open_bus` picks the adapter; called by wiring."""

from app.bus.contract import Bus


def open_bus(url: str, secret: bytes) -> Bus:
    """The adapter for the URL's scheme, not started; its library is imported for it alone. `secret`
    is for those whose rings come over a port of ours. ValueError: the URL cannot be used."""
    scheme = url.partition(":")[0]
    if scheme == "memory":
        from app.bus.memory import MemoryBus

        return MemoryBus()
    if scheme == "http":
        from app.bus.http import HttpBus

        return HttpBus(url, secret)
    if scheme in ("postgresql", "postgres"):
        from app.bus.postgresql import PostgresBus

        return PostgresBus(url)
    raise ValueError(f"no bus speaks {scheme}://: use memory://, http:// or postgresql://")
