"""Which program a test drives: the system's browser, the one that is named, or Playwright's own.

Pure: `choose` is told what there is. Used by browsers.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: As the value of the variable: Playwright's own, also where the system has one.
PLAYWRIGHTS = "playwright"


class BrowserMissingError(RuntimeError):
    """There is no such browser on this machine; the text says what to type."""


@dataclass(frozen=True)
class Kind:
    """One kind of browser: the programs to look for on PATH, the variable of the environment that
    names another one, and what Playwright is told beside the path."""

    title: str
    variable: str
    programs: tuple[str, ...]
    package: str
    options: Mapping[str, Any] = field(default_factory=dict)  # with a program of the system's
    own_options: Mapping[str, Any] = field(default_factory=dict)


CHROMIUM = Kind(
    title="Chromium",
    variable="PUSHLAB_CHROMIUM",
    programs=("chromium", "chromium-browser", "google-chrome-stable", "google-chrome"),
    package="chromium",
    # Otherwise Playwright takes its small "headless shell", which has no push.
    own_options={"channel": "chromium"},
)
FIREFOX = Kind(
    title="Firefox",
    variable="PUSHLAB_FIREFOX",
    programs=("firefox-esr", "firefox"),
    package="firefox-esr",
    options={"channel": "moz-firefox"},
)


def choose(
    kind: Kind,
    environment: Mapping[str, str],
    which: Callable[[str], str | None],
    own: Path,
) -> dict[str, Any]:
    """The options for Playwright's `launch_persistent_context` that choose the program.

    `which` finds a program as `shutil.which` does; `own` is where Playwright would install its
    own. Raises BrowserMissingError.
    """
    named = environment.get(kind.variable, "")
    if named and named != PLAYWRIGHTS:
        return _named(kind, named, which(named))
    found = None if named else next(filter(None, map(which, kind.programs)), None)
    if found:
        return {"executable_path": found, **kind.options}
    if own.exists():
        return dict(kind.own_options)
    raise BrowserMissingError(_missing(kind, named))


def _named(kind: Kind, name: str, found: str | None) -> dict[str, Any]:
    if found is None:
        raise BrowserMissingError(f"{kind.variable} is {name!r}, and there is no such program")
    return {"executable_path": found, **kind.options}


def _missing(kind: Kind, named: str) -> str:
    where = "" if named else f"none of {', '.join(kind.programs)} is on PATH, and "
    return (
        f"There is no {kind.title}: {where}Playwright's own is not installed. "
        f"Type:  sudo apt-get install {kind.package}  or:  playwright install {kind.title.lower()}"
        f"  or set {kind.variable} to a program."
    )
