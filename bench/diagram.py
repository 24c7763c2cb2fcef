"""Measures the drawing of the master diagram: `python -m bench.diagram`.

A page with the diagram, and with the rail, whose checks read every event, is fed a run of 500
events, in two ways: as a page that opens on it gets them (all at once), and live (ten at a time).
Chromium's own trace says how long the main thread was busy in one go; a frame is one such task with
script, style, layout and paint. Wall time, and beside it the CPU time of that task: on a busy
machine the first tells of the others too.
"""

import itertools
import json
import mimetypes
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from jinja2 import Environment, FileSystemLoader
from playwright.sync_api import Browser, Route, sync_playwright

from app.codelab.steps import STEPS
from bench.measuring import Figures, machine, save
from push_service.testing.programs import CHROMIUM, choose

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path("bench/results/diagram.json")
ORIGIN = "http://diagram.example"
EVENTS = 500
AT_ONCE = {"all at once": EVENTS, "ten at a time": 10}
CATEGORIES = ["toplevel", "devtools.timeline", "disabled-by-default-devtools.timeline"]

PAGE = """<!doctype html><title>Diagram</title>
{% for sheet in ["tokens", "base", "frame", "controls", "steps", "diagram", "detail"] -%}
<link rel="stylesheet" href="/static/css/{{ sheet }}.css">
{% endfor -%}
<script type="importmap">{"imports": {"pushlab/": "/static/js/"}}</script>
<body class="wide"><main class="page">
<div class="overview__rail">{% include "_rail.html" %}</div>
{% include "_diagram.html" %}
</main>
<script type="module">
import { Diagram } from "pushlab/codelab/diagram/diagram.js";
import { JournalLook } from "pushlab/codelab/steps/look.js";
import { Rail } from "pushlab/codelab/steps/rail.js";
const listeners = [];
window.story = [];
window.run = {
  events: [],
  onChange: (listener) => listeners.push(listener),
  take: (events) => {
    run.events = [...run.events, ...events];
    for (const listener of listeners) listener(events);
  },
};
new Diagram(document.querySelector("[data-part=diagram]"), run).start();
new Rail().start(new JournalLook(run));
</script>"""

FEED = """(count) => new Promise((done) => {
  const events = story;
  const next = () => {
    if (events.length) run.take(events.splice(0, count));
    const drawn = document.querySelectorAll("[data-event]").length;
    if (drawn < run.events.length || events.length) setTimeout(next, 20);
    else requestAnimationFrame(() => done(drawn));
  };
  next();
})"""

#: What is told of one message on its way: actor, kind.
STORY = [
    ("app-server", "notification.created"),
    ("node", "node.delivered"),
    ("client", "notification.received"),
    ("client", "notification.acknowledged"),
    ("node", "node.acknowledged"),
    ("app-server", "send.started"),
    ("push-service", "message.accepted"),
    ("app-server", "send.answered"),
    ("push-service", "message.delivered"),
    ("service-worker", "push.received"),
]


@click.command()
@click.option("--rounds", default=5, help="The medians of so many are shown.")
def main(rounds: int) -> None:
    with sync_playwright() as playwright:
        kind = playwright.chromium
        chosen = choose(CHROMIUM, os.environ, shutil.which, Path(kind.executable_path))
        browser = kind.launch(args=["--no-sandbox"], **chosen)
        longest: dict[str, list[Figures]] = {}
        for name, count in AT_ONCE.items():
            runs = longest[name] = [measure(browser, count) for _ in range(rounds)]
            walls, cpus = ([run[what] for run in runs] for what in ("wall", "cpu"))
            click.echo(f"{name}: longest frame {max(walls):.1f} ms, {max(cpus):.1f} ms of CPU")
        browser.close()
    save({"machine": machine(), "events": EVENTS, "longest_task_ms": longest}, RESULTS)


def measure(browser: Browser, count: int) -> Figures:
    """The longest task of the page's main thread while it draws, in milliseconds."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.route("**/*", serve)
    page.goto(f"{ORIGIN}/")
    page.locator("[data-ghost]").first.wait_for()
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.json"
        page.evaluate("events => { story = events; }", list(itertools.islice(events(), EVENTS)))
        browser.start_tracing(page=page, path=trace, categories=CATEGORIES)
        drawn = page.evaluate(FEED, count)
        browser.stop_tracing()
        assert drawn == EVENTS
        longest = longest_task(json.loads(trace.read_text())["traceEvents"])
    page.close()
    return longest


def longest_task(trace: list[dict[str, Any]]) -> Figures:
    threads = {
        (each["pid"], each["tid"])
        for each in trace
        if each["name"] == "thread_name" and each["args"]["name"] == "CrRendererMain"
    }
    painted = {each["pid"] for each in trace if each["name"] == "Layout"}
    tasks = [
        each
        for each in trace
        if each["name"] == "RunTask"
        and "dur" in each  # the last one was still running
        and (each["pid"], each["tid"]) in threads
        and each["pid"] in painted
    ]
    return {
        "wall": max(task["dur"] for task in tasks) / 1000,
        "cpu": max(task.get("tdur", 0) for task in tasks) / 1000,
    }


def serve(route: Route) -> None:
    path = route.request.url.removeprefix(ORIGIN)
    if path == "/":
        environment = Environment(loader=FileSystemLoader(ROOT / "templates"), autoescape=True)
        html = environment.from_string(PAGE).render(steps=STEPS, url_for=lambda *_, **__: "#")
        route.fulfill(body=html, content_type="text/html; charset=utf-8")
    elif (file := ROOT / path.lstrip("/")).is_file():
        route.fulfill(body=file.read_bytes(), content_type=mimetypes.guess_type(file)[0])
    else:
        route.fulfill(status=404)


def events() -> Iterator[dict[str, Any]]:
    """Messages without end, one after the other, as the two journals tell of them."""
    for number in itertools.count():
        message = number // len(STORY)
        actor, kind = STORY[number % len(STORY)]
        theirs = actor == "push-service"
        body = {"message.accepted": "ciphertext", "send.started": "body"}.get(kind)
        answered = {"message_url": f"/message/m-{message}"} if kind == "send.answered" else {}
        yield {
            "id": number,
            "key": f"event-{number}",
            "source": "push-service" if theirs else "app",
            "actor": actor,
            "kind": kind,
            "step": 8 if kind.startswith("send") else None,
            "at": 1_800_000_000 + number / 10,
            "summary": "What happened.",
            "notification_id": None if theirs else f"n-{message}",
            "connection_id": None if theirs else "device",
            "message_id": f"m-{message}" if theirs else None,
            "detail": {body: f"{message:04}" + "x" * 600} if body else {},
            **answered,
        }


if __name__ == "__main__":
    main()
