"""`./pushlab walk`: a laboratory on free ports and throw-away data, and one or two stock browsers
that go through the ten steps in it, at the same time. Run as `python -m e2e.walk`."""

import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.text import Text

from e2e.device import Device
from e2e.lab import Lab, LabError
from e2e.steps import Step, TenSteps
from push_service.testing.browsers import BROWSERS, PushBrowser

NOT_REACHED = "not reached"
PATIENCE = 15.0
#: Seconds between two looks at the laboratory.
LOOK = 0.2
#: And for the last one, when something went wrong: its processes end one after the other.
LAST_LOOK = 1.0


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one step in one browser. `ms` is how long it took."""

    step: int
    browser: str
    actor: str
    ok: bool
    evidence: str
    ms: int


Tell = Callable[[Result, Step], None]


class Walker:
    """One browser's walk, in a thread of its own."""

    def __init__(self, lab: Lab, browser: str, tell: Tell, ready: "Future[None]") -> None:
        """`ready`: done when the whole laboratory answers; its push service does already."""
        self.results: list[Result] = []
        self.failure: str | None = None
        self._lab = lab
        self._browser = browser
        self._window: PushBrowser | None = None
        self._tell = tell
        self._ready = ready
        self._thread = threading.Thread(target=self._run, name=browser)

    def start(self) -> None:
        self._thread.start()

    def is_over(self, seconds: float) -> bool:
        """Wait that long for its end."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def abort(self) -> None:
        """Make it fail now: whatever it waits for in the browser cannot come any more."""
        if self._window is not None:
            with suppress(OSError, RuntimeError):
                os.kill(self._window.pid, signal.SIGKILL)

    def _run(self) -> None:
        try:
            self._walk()
        except Exception as error:
            self.failure = f"{self._browser}: {words_of(error)}"

    def _walk(self) -> None:
        profile = self._lab.folder / "browsers" / self._browser
        with sync_playwright() as playwright:
            window = BROWSERS[self._browser](playwright, self._lab.push_service, profile)
            window.launch()
            self._window = window
            try:
                self._ready.result()
                device = Device(self._lab, window, patience=PATIENCE)
                for step in TenSteps(device, self._lab.guest()):
                    self._take(step)
            finally:
                with suppress(PlaywrightError):
                    window.close()

    def _take(self, step: Step) -> None:
        if self.failure:
            self._note(step, ok=False, evidence=NOT_REACHED, ms=0)
            return
        begin = time.monotonic()
        try:
            evidence, ok = step.happen(), True
        except Exception as error:
            evidence, ok = words_of(error), False
            self.failure = f"{self._browser}, step {step.number} ({step.title}): {evidence}"
        self._note(step, ok=ok, evidence=evidence, ms=round((time.monotonic() - begin) * 1000))

    def _note(self, step: Step, *, ok: bool, evidence: str, ms: int) -> None:
        result = Result(step.number, self._browser, step.actor, ok, evidence, ms)
        self.results.append(result)
        self._tell(result, step)


def words_of(error: BaseException) -> str:
    """The first line of what it says."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def walk(lab: Lab, browsers: list[str], tell: Tell) -> tuple[list[Result], list[str]]:
    """All steps in all browsers: what became of them, and for each thing that failed a sentence
    that says what to look at."""
    ready: Future[None] = Future()
    walkers = [Walker(lab, browser, tell, ready) for browser in browsers]
    for walker in walkers:
        walker.start()  # a browser needs its time too
    wait_until_ready(lab, ready)
    for walker in walkers:
        while not walker.is_over(LOOK):
            if not lab.is_running():
                walker.abort()
    results = [result for walker in walkers for result in walker.results]
    failures = [walker.failure for walker in walkers if walker.failure]
    if failures and lab.has_failed(within=LAST_LOOK):
        failures = [lab.last_words()]  # whatever else went wrong, it went wrong because of this
    return results, failures


def wait_until_ready(lab: Lab, ready: "Future[None]") -> None:
    """Let the walkers go, or fail with what kept the laboratory from starting."""
    try:
        lab.wait_until_ready()
    except LabError as error:
        ready.set_exception(error)
    else:
        ready.set_result(None)


class Lines:
    """One line per step, as it happens."""

    def __init__(self, browsers: list[str]) -> None:
        self._console = Console(highlight=False)
        self._width = max(map(len, browsers))
        self._lock = threading.Lock()

    def tell(self, result: Result, step: Step) -> None:
        mark, style = ("✓", "green") if result.ok else ("✗", "bold red")
        line = Text.assemble(
            (f"{mark} ", style),
            f"{step.number:>2}  ",
            (f"{result.browser:<{self._width}}  ", "dim"),
            (f"{step.title:<33}", "bold"),
            f"{step.actor:<16}",
            f"{result.evidence}  ",
            (f"{result.ms} ms", "dim"),
        )
        with self._lock:
            self._console.print(line, soft_wrap=True)


@click.command()
@click.option("--browser", type=click.Choice(["chromium", "firefox", "both"]), default="both")
@click.option("--json", "as_json", is_flag=True)
def main(browser: str, as_json: bool) -> None:
    browsers = ["chromium", "firefox"] if browser == "both" else [browser]
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pushlab-walk-") as folder:
        lab = Lab(Path(folder), restart=False)
        tell: Tell = (lambda _result, _step: None) if as_json else Lines(browsers).tell
        try:
            lab.start_push_service()
            results, failures = walk(lab, browsers, tell)
        except LabError as error:
            results, failures = [], [str(error)]
        finally:
            lab.stop()
    if as_json:
        click.echo(json.dumps([asdict(result) for result in results], indent=1))
    elif not failures:
        click.echo(f"All ten steps happened, in {time.monotonic() - begin:.1f} s.")
    for failure in failures:
        click.echo(failure, err=True)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
