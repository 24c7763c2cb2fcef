"""What is asked again while it is under way."""

from tests.client.node import needs_node, run

pytestmark = needs_node

#: Asks, asks twice more while the first is under way, and once more after all.
ASKED = """(async () => {
  const settle = async () => { for (let turn = 0; turn < 20; turn++) await null; };
  const [begun, waiting, ended] = [[], [], []];
  const ask = oneAtATime(() => new Promise((done) => {
    begun.push(begun.length);
    waiting.push(done);
  }));
  const wish = (name) => ask().then(() => ended.push(name));
  wish("first");
  await settle();
  wish("second");
  wish("third");
  await settle();
  const together = begun.length;
  waiting.shift()();
  await settle();
  const afterwards = [begun.length, [...ended]];
  waiting.shift()();
  await settle();
  wish("fourth");
  await settle();
  return [together, afterwards, [begun.length, ended]];
})()"""

#: Fails the first time.
FAILS = """(async () => {
  const begun = [];
  const ask = oneAtATime(async () => {
    begun.push(begun.length);
    if (begun.length === 1) throw new Error("full");
    return "done";
  });
  return [await ask().catch(({ message }) => message), await ask(), begun.length];
})()"""


#
def test_what_is_asked_meanwhile_is_asked_once_more_afterwards() -> None:
    together, afterwards, last = run("shared/one_at_a_time.js", ASKED)
    assert together == 1
    assert afterwards == [2, ["first"]]
    assert last == [3, ["first", "second", "third"]]


#
def test_failure_stops_nothing() -> None:
    assert run("shared/one_at_a_time.js", FAILS) == ["full", "done", 2]
