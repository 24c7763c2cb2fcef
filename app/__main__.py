"""`python -m app`, which `./pushlab` runs. The process that serves is patched for gevent before
anything else is imported: what is imported earlier keeps the blocking sockets and locks."""

import gc
import sys

SERVES = ("app-server", "node", "sender")

if sys.argv[1:2] and sys.argv[1] in SERVES:
    from gevent import monkey

    monkey.patch_all()
    gc.disable()  # a tenth of the start; `garbage.spare_the_loaded` turns it on again

from app.cli import main  # noqa: E402  # after the patch

if __name__ == "__main__":
    main(prog_name="pushlab")
