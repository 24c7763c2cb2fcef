"""Python's garbage collector in the processes that serve. `app.__main__` turns it off while the
code is loaded."""

import gc

#: New objects between two turns.
COLLECT_AFTER = 10_000


def spare_the_loaded() -> None:
    """Code and tables stay as long as the process: the collector need not walk through them again
    and again. What requests leave behind goes without it, so it may come more rarely.

    What loading left behind stays too: some 7,000 objects, not worth a tenth of a second to find.
    """
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    gc.enable()
