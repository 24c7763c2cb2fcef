"""The codelab's pages: the overview with the live diagram, and one page a step. Anybody may read
them; what a run did is shown to whom it belongs."""

from flask import Blueprint, render_template

from app.codelab.steps import STEPS, excerpts, find_step
from app.errors import NotFound

pages = Blueprint("codelab", __name__)


@pages.record_once
def _look_all_up(_state: object) -> None:
    """A pointer that leads nowhere is a fault of this version: better told at start."""
    for step in STEPS:
        excerpts(step)


@pages.get("/codelab")
def overview() -> str:
    return render_template("codelab.html", steps=STEPS, step=None)


@pages.get("/codelab/<slug>")
def step(slug: str) -> str:
    found = find_step(slug)
    if found is None:
        raise NotFound("There is no such step. There are ten of them.")
    return render_template(
        f"steps/{found.slug}.html",
        steps=STEPS,
        step=found,
        excerpts=excerpts(found),
        before=STEPS[found.number - 2] if found.number > 1 else None,
        after=STEPS[found.number] if found.number < len(STEPS) else None,
    )
