"""How the plots of `/ops` are drawn, and what they say."""

from typing import Any

import pytest

from tests.client.node import needs_node, run

pytestmark = needs_node

PATH = "path(given.times, given.values, { top: 10, span: 100, gap: 12 })"


def path(times: list[float], values: list[float | None]) -> Any:
    return run("ops/plot.js", PATH, {"times": times, "values": values})


def test_line_ends_at_the_right_and_is_broken_where_nothing_is_known() -> None:
    assert path([90, 100], [0, 10]) == "M810 100h0L900 0"
    assert path([80, 90, 100], [5, None, 5]) == "M720 50h0M900 50h0"
    assert path([50, 100], [5, 5]) == "M450 50h0M900 50h0"
    assert path([-50, 100], [5, 5]) == "M900 50h0"
    assert path([100], [99]) == "M900 0h0"


def test_scale_is_a_round_number_above_everything() -> None:
    tops = run(
        "ops/plot.js", "given.map((values) => topOf(values, 5))", [[], [4], [6], [11], [340]]
    )
    assert tops == [5, 5, 10, 20, 500]


def test_plot_shows_as_much_as_there_is() -> None:
    times = [[5], [0, 119], [0, 121], [0, 301], [0, 895], [0, 2000]]
    assert run("ops/plot.js", "given.map(spanOf)", times) == [120, 120, 300, 900, 900, 900]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("[0.0144, 0.9999, 1.24, 12, 119, 120, 3600, 90000].map(duration)",
         ["14 ms", "1.0 s", "1.2 s", "12 s", "119 s", "2 min", "1 h", "1 d"]),
        ("[[0, 0], [5, 5], [999, 1000], [1, 2], [0, 9], [1, 1000]].map(([a, b]) => share(a, b))",
         ["\u2013", "100 %", "99.9 %", "50 %", "0 %", "< 1 %"]),
        ("[inWords('pending', 100000), inWords('p50', null), inWords('connections', 1234)]",
         ["at least 100,000", "\u2013", "1,234"]),
        ("answers({ '201': 40, none: 2 })", "201 \u00d7 40, no answer \u00d7 2"),
    ],
)  # fmt: skip
def test_numbers_in_words(expression: str, said: object) -> None:
    assert run("ops/figures.js", expression) == said


def point(at: float, **changes: float | None) -> dict[str, float | None]:
    names = "connections pending outbox created acknowledged delivered gone refused failed"
    counts = dict.fromkeys([*names.split(), "slow_down", "ours", "troubles", "oldest_seconds"], 0)
    return {"at": at, **counts, "p50": None, "p95": None, **changes}


def test_table_has_a_row_a_minute_the_newest_first() -> None:
    points = [
        point(60, connections=9, delivered=1, p95=0.5),
        point(119, connections=3, delivered=2, gone=1, p95=0.1),
        point(120, failed=1, slow_down=1),
    ]
    late, early = run("ops/figures.js", "minutes(given)", points)
    assert (late["at"], late["failing"], late["p95"]) == (120, 2, None)
    assert (early["connections"], early["delivered"], early["ended"]) == (3, 3, 1)
    assert early["p95"] == 0.5


def test_plot_can_be_heard() -> None:
    given = [point(1, p50=0.01, p95=2.0), point(2, p50=0.02, p95=0.03)]
    heard = run("ops/figures.js", "spoken('Answers', PLOTS.latency, given)", given)
    assert heard == "Answers: now 20 ms, at most 20 ms; now 30 ms, at most 2.0 s"
