"""`python -m app`, which `./pushlab` runs. The process that serves is patched for gevent before
anything else is imported: what is imported earlier keeps the blocking sockets and locks."""

import gc
import sys
from functools import cache
from importlib import metadata

SERVES = ("app-server", "node", "sender")


def patch() -> None:
    """gevent asks all installed packages at each step whether they have a plugin for it. Once is
    enough: the rest took a tenth of the start. (`push_service.cli` has these lines too: neither of
    the two imports the other.)"""
    from gevent import monkey

    ask = metadata.entry_points
    metadata.entry_points = cache(ask)  # type: ignore[assignment]
    try:
        monkey.patch_all()
    finally:
        metadata.entry_points = ask


if sys.argv[1:2] and sys.argv[1] in SERVES:
    patch()
    gc.disable()  # a tenth of the start; `garbage.spare_the_loaded` turns it on again

from app.cli import main  # noqa: E402  # after the patch

if __name__ == "__main__":
    main(prog_name="pushlab")
