"""The two journals as a page reads them, with a browser made of a few lines."""

from typing import Any

from tests.client.node import needs_node, run

pytestmark = needs_node

#: A document, a clock in our hands, and a server that answers what `answer(path)` says.
BROWSER = """
  const timers = new Map();
  let named = 0;
  globalThis.setTimeout = (work, wait) => { timers.set(++named, { work, wait }); return named; };
  globalThis.clearTimeout = (name) => timers.delete(name);
  globalThis.document = { addEventListener() {}, documentElement: { dataset: { socket: "open" } } };
  const settle = async () => { for (let turn = 0; turn < 50; turn++) await null; };
  const asked = [];
  globalThis.fetch = async (path) => {
    asked.push(path);
    const body = await answer(path);
    return { ok: true, status: 200, json: async () => body };
  };
  const expire = async (wait) => {
    const due = [...timers].filter(([, timer]) => timer.wait === wait);
    for (const [name, { work }] of due) { timers.delete(name); work(); }
    await settle();
    return due.length;
  };
"""

LONG_RUN = f"""(async () => {{
  const answer = async (path) => {{
    const after = Number(path.split("=")[1]);
    return {{ events: [{{ id: after + 1 }}], cursor: after + 1, more: after < 3 }};
  }};
  {BROWSER}
  const seen = [];
  new AppFeed((source, events) => seen.push(...events.map(({{ id }}) => id))).start();
  await settle();
  return [seen, asked.length, [...timers.values()].map(({{ wait }}) => wait).includes(5000)];
}})()"""

NEW_RUN = f"""(async () => {{
  const waiting = [];
  const answer = () => new Promise((done) => waiting.push(done));
  {BROWSER}
  const seen = [];
  const feed = new AppFeed((source, events) => seen.push(...events.map(({{ id }}) => id)));
  feed.start();
  await settle();
  feed.restart();
  waiting.shift()({{ events: [{{ id: 7 }}], cursor: 7, more: false }});
  await settle();
  waiting.shift()({{ events: [{{ id: 8 }}], cursor: 8, more: false }});
  await settle();
  return [seen, asked];
}})()"""

#: What the server grants, and the streams that were opened with it.
STREAMS = """
  const url = "http://push.example";
  const granted = (token) => ({ url, token, expires_at: Date.now() / 1000 + 3600 });
  const sources = [];
  globalThis.EventSource = class {
    on = {};
    open = true;
    constructor(address) { this.token = address.searchParams.get("token"); sources.push(this); }
    addEventListener(name, work) { this.on[name] = work; }
    close() { this.open = false; }
  };
"""

OVERTAKEN = f"""(async () => {{
  const waiting = [];
  const answer = () => new Promise((done, fail) => waiting.push({{ done, fail }}));
  {BROWSER}
  {STREAMS}
  const part = {{ dataset: {{}} }};
  const feed = new PushServiceFeed(part, () => null);
  for (let asking = 0; asking < 3; asking++) {{
    feed.restart();
    await settle();
  }}
  const [early, broken, last] = waiting;
  last.done(granted("last"));
  await settle();
  early.done(granted("early"));
  broken.fail(new Error("no answer"));
  await settle();
  return [sources.map(({{ token, open }}) => [token, open]), part.dataset.pushService];
}})()"""

SILENCE = f"""(async () => {{
  const answer = async () => granted("t");
  {BROWSER}
  {STREAMS}
  const part = {{ dataset: {{}} }};
  const said = [];
  const note = () => said.push(part.dataset.pushService);
  const feed = new PushServiceFeed(part, () => null);
  feed.start();
  await settle();
  note();
  sources.at(-1).onopen();
  note();
  sources.at(-1).on.alive();
  const clocks = [...timers.values()].filter(({{ wait }}) => wait === 12000).length;
  await expire(12000);
  note();
  await expire(12000);
  note();
  sources.at(-1).on.alive();
  note();
  return [said, clocks, sources.map(({{ open }}) => open)];
}})()"""


def result(module: str, script: str) -> Any:
    return run(f"codelab/{module}.js", script)


# W-11
def test_long_run_is_read_page_by_page_without_a_pause() -> None:
    assert result("app_feed", LONG_RUN) == [[1, 2, 3, 4], 4, True]


# W-11
def test_answer_that_is_of_the_former_run_is_not_shown() -> None:
    seen, asked = result("app_feed", NEW_RUN)
    assert seen == [8]
    assert asked == ["/api/journal?after=0"] * 2


# W-11
def test_token_that_comes_late_does_not_replace_a_newer_one() -> None:
    """It was asked for before the subscription was stored: its stream would show nothing of it."""
    sources, said = result("push_service_feed", OVERTAKEN)
    assert sources == [["last", True]]
    assert said == "connecting"


# W-11 W-14
def test_push_service_that_says_nothing_is_told_to_be_silent_until_it_is_heard() -> None:
    said, clocks, sources = result("push_service_feed", SILENCE)
    assert said == ["connecting", "open", "silent", "silent", "open"]
    assert clocks == 1
    assert sources == [False, False, True]
