"""Draws the results as bars: `python -m bench.plots` turns bench/results/*.json into
docs/images/bench-*.svg. Plain SVG with a style for light and one for dark, which browsers choose by
the reader's setting, also for a picture in a page."""

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

RESULTS = Path("bench/results")
IMAGES = Path("docs/images")
WIDTH, LABEL, ROW, TOP = 720, 230, 26, 44
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600}.number{fill:#59636e}"
    ".bar{fill:#8c959f}.ours{fill:#0969da}"
    "@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.number{fill:#9198a1}"
    ".bar{fill:#656c76}.ours{fill:#4493f8}}"
)


def bars(title: str, values: Mapping[str, float]) -> str:
    """An SVG: one bar each, longest is full width; ours are those that begin with `pushlab`."""
    height = TOP + ROW * len(values)
    longest = max(values.values())
    rows = "".join(_row(n, name, value, longest) for n, (name, value) in enumerate(values.items()))
    told = "; ".join(f"{name}: {_number(value)}" for name, value in values.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}"'
        f' role="img"><title>{escape(title)}</title><desc>{escape(told)}</desc>'
        f'<style>{STYLE}</style><text class="title" x="0" y="20">{escape(title)}</text>'
        f"{rows}</svg>\n"
    )


def _row(place: int, name: str, value: float, longest: float) -> str:
    top = TOP + ROW * place
    length = max(1.0, (WIDTH - LABEL - 90) * value / longest) if longest else 1.0
    kind = "ours" if name.startswith("pushlab") else "bar"
    return (
        f'<text x="{LABEL - 10}" y="{top + 13}" text-anchor="end">{escape(name)}</text>'
        f'<rect class="{kind}" x="{LABEL}" y="{top}" width="{length:.1f}" height="18" rx="2"/>'
        f'<text class="number" x="{LABEL + length + 8:.1f}" y="{top + 13}">{_number(value)}</text>'
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2f}".rstrip("0").rstrip(".")


def _pick(medians: Mapping[str, Mapping[str, float]], figure: str) -> dict[str, float]:
    return {name: figures[figure] for name, figures in medians.items() if figure in figures}


#: Picture: what is drawn, workload, figure.
PNS = {
    "w1": (
        "W1: deliveries per CPU-second, 5000 devices",
        "W1 N = 5000",
        "deliveries_per_cpu_second",
    ),
    "w2": (
        "W2: publishes per CPU-second, 8 publishers",
        "W2 8 publishers",
        "publishes_per_cpu_second",
    ),
    "w2-latency": ("W2: p99 latency in ms, 8 publishers", "W2 8 publishers", "p99_ms"),
    "w3": ("W3: bytes per idle connection", "W3 N = 5000", "bytes_per_connection"),
    "w4": ("W4: handshakes per CPU-second", "W4 N = 5000", "handshakes_per_cpu_second"),
    "w5": ("W5: notifications lost of 20,000 while all were away", "W5", "lost"),
}


def pictures() -> dict[str, str]:
    """Name to SVG, of all results that there are."""
    web_push, push_service, pns = (_medians(name) for name in ("web_push", "push_service", "pns"))
    drawn = {
        "wp": bars("WP: CPU-seconds per 1000 sends", _pick(web_push, "cpu_seconds_per_1000")),
        "ps": bars(
            "PS: messages per CPU-second",
            {
                "pushlab, full load": push_service["ours"]["messages_per_cpu_second"],
                "pushlab, 500 messages/s": push_service["ours, paced"]["messages_per_cpu_second"],
                "floor: store a row": push_service["floor"]["messages_per_cpu_second"],
            },
        ),
    }
    for name, (title, workload, figure) in PNS.items():
        drawn[name] = bars(title, _pick(pns[workload], figure))
    return drawn


def _medians(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text())["medians"]
    return found


def main() -> None:
    for name, svg in pictures().items():
        (IMAGES / f"bench-{name}.svg").write_text(svg)


if __name__ == "__main__":
    main()
