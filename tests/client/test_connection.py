"""How a page comes back: the waits between attempts, and what it makes of a sleep."""

from tests.client.node import needs_node, run

pytestmark = needs_node

#: What the waits were after connections that lasted so many seconds, with a clock in our hands.
BACKOFF = """(() => {
  let now = 0;
  Date.now = () => now;
  Math.random = () => 0.999;
  const backoff = new Backoff();
  const waits = [];
  for (const lasted of given) {
    if (lasted !== null) backoff.onSuccess();
    now += (lasted ?? 1) * 1000;
    backoff.onEnd();
    waits.push(Math.round(backoff.next() / 100) / 10);
  }
  return waits;
})()"""

WAKE = """(() => {
  let now = 0, tick = null, woken = 0;
  Date.now = () => now;
  globalThis.setInterval = (work) => { tick = work; };
  onWake(() => { woken += 1; });
  return given.map((seconds) => {
    now += seconds * 1000;
    tick();
    return woken;
  });
})()"""

#: Of a connection that was never there.
FAILED = None


# P-12
def test_waits_grow_from_a_table() -> None:
    waits = run("pns/backoff.js", BACKOFF, [FAILED] * 9)
    assert waits == [0.5, 1, 2, 4, 8, 15, 30, 30, 30]


# P-12
def test_wait_is_anything_up_to_the_tables_value() -> None:
    """So that those who were cut off together do not come back together."""
    script = "Array.from({ length: 200 }, () => new Backoff().next())"
    waits = run("pns/backoff.js", script)
    assert min(waits) < 50
    assert 450 < max(waits) < 500


# P-12
def test_connection_that_lasts_begins_the_table_again() -> None:
    assert run("pns/backoff.js", BACKOFF, [FAILED, FAILED, 10]) == [0.5, 1, 0.5]


# P-12
def test_connection_that_is_taken_away_at_once_does_not() -> None:
    assert run("pns/backoff.js", BACKOFF, [1, 1, 1, FAILED]) == [0.5, 1, 2, 4]


# P-9
def test_sleep_is_told_from_a_late_timer() -> None:
    assert run("pns/wake.js", WAKE, [10, 60, 10, 600, 10]) == [0, 0, 0, 1, 1]
