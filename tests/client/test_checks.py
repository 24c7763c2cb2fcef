"""Whether a step happened, told from a run's events: what the receiver says, and nothing less."""

from typing import Any

import pytest

from tests.client.node import needs_node, run

pytestmark = needs_node

Event = dict[str, Any]
KEY, OTHER_KEY = "BKey", "BOther"
OURS = "https://jmt17.google.com/fcm/send/lab_token"
VENDORS = "https://fcm.googleapis.com/fcm/send/xyz"
KEYS = {"p256dh": "BBrowser", "auth": "abcd…"}


def event(at: float, actor: str, kind: str, detail: Event | None = None, **fields: Any) -> Event:
    return {"at": at, "actor": actor, "kind": kind, "detail": detail or {}, "summary": "", **fields}


def whole_run(endpoint: str = OURS, key: str = KEY) -> list[Event]:
    """Everything that the actors say of a run in which all went well."""
    token = endpoint.rsplit("/", 1)[-1]
    app, push, worker = "app-server", "push-service", "service-worker"
    notification = {"notification_id": "n-1"}
    message = {"token": token, "message_id": "m-1"}
    sent = {**notification, "endpoint": endpoint, "message_url": "http://push.example/message/m-1"}
    started = {"vapid": {"claims": {"aud": "x"}}, "body_length": 321, "headers": {"ttl": "60"}}
    events = [
        event(0, app, "vapid.key-made", {"public_key": KEY, "vapid_key_id": "k"}),
        event(1, app, "vapid.key-served", {"public_key": KEY}),
        event(2, "client", "permission.asked"),
        event(3, "client", "permission.answered", {"permission": "granted"}),
        event(4, "client", "subscribe.called", {"applicationServerKey": key}),
        event(5, push, "subscription.created", {"key": key}, token=token),
        event(6, "client", "subscribe.done", {"endpoint": endpoint}),
        event(7, "client", "subscription.posted", {"endpoint": endpoint, "keys": KEYS}),
        event(
            8,
            app,
            "subscription.stored",
            {"p256dh": KEYS["p256dh"], "created": True},
            endpoint=endpoint,
            connection_id="c",
        ),
        event(9, app, "notification.created", {"devices": 1, "subscriptions": 1}, **notification),
        event(10, app, "send.started", started, **sent),
        event(11, push, "message.accepted", {"vapid": {"aud": ["x"]}}, **message),
        event(12, app, "send.answered", {"status": 201}, **sent),
        event(13, push, "message.delivered", {}, **message),
        event(14, worker, "push.received", {}, **notification),
        event(15, worker, "notification.shown", {"title": "Hi"}, **notification),
    ]
    if endpoint != OURS:
        events = [one for one in events if one["actor"] != push]
    return events


def judge(events: list[Event]) -> dict[int, Event]:
    """The verdict on each step."""
    script = "STEPS.map((step) => [step, check(step, given)])"
    return dict(run("codelab/steps/checks.js", script, events))


def done(events: list[Event]) -> set[int]:
    return {step for step, verdict in judge(events).items() if verdict["done"]}


def without(*kinds: str, actor: str | None = None) -> list[Event]:
    return [
        one
        for one in whole_run()
        if one["kind"] not in kinds or (actor is not None and one["actor"] != actor)
    ]


# W-11 W-14
def test_whole_run_proves_all_ten_and_names_who_said_so() -> None:
    verdicts = judge(whole_run())
    assert {step for step, verdict in verdicts.items() if verdict["done"]} == set(range(1, 11))
    witnesses = {
        step: {piece["event"]["actor"] for piece in verdict["evidence"]}
        for step, verdict in verdicts.items()
    }
    assert witnesses[4] >= {"push-service"}
    assert witnesses[9] == {"push-service"}
    assert witnesses[10] == {"service-worker"}


# W-11 W-14
def test_nothing_is_proved_by_nothing_and_each_says_what_is_missing() -> None:
    verdicts = judge([])
    assert not any(verdict["done"] for verdict in verdicts.values())
    assert all(verdict["because"].endswith(".") for verdict in verdicts.values())


# W-11 W-14
@pytest.mark.parametrize(
    ("missing", "actor", "open_steps"),
    [
        (("permission.answered",), None, {2}),
        (("subscription.created",), None, {4}),
        (("subscription.stored",), None, {5, 6}),
        (("subscription.posted",), None, {5}),
        (("notification.created",), None, {7}),
        (("send.answered",), None, {8, 9}),
        (("message.accepted",), None, {9}),
        (("notification.shown",), "service-worker", {10}),
        (("push.received",), None, {10}),
    ],
)
def test_step_is_open_without_the_word_of_its_receiver(
    missing: tuple[str, ...], actor: str | None, open_steps: set[int]
) -> None:
    assert set(range(1, 11)) - done(without(*missing, actor=actor)) == open_steps


def changed(kind: str, **detail: Any) -> list[Event]:
    return [
        {**one, "detail": {**one["detail"], **detail}} if one["kind"] == kind else one
        for one in whole_run()
    ]


# W-11 W-14
def test_what_went_wrong_proves_nothing() -> None:
    assert 2 not in done(changed("permission.answered", permission="denied"))
    assert 3 not in done(whole_run(key=OTHER_KEY))
    assert 4 not in done(changed("subscription.created", key=OTHER_KEY))
    assert 5 not in done(changed("subscription.stored", p256dh="BSomebodyElses"))
    assert {8, 9}.isdisjoint(done(changed("send.answered", status=503)))
    assert 9 not in done(changed("message.accepted", vapid=None))
    refused = event(5.5, "client", "subscribe.failed")
    assert 3 not in done([*without("subscribe.done"), refused])
    removed = event(20, "app-server", "subscription.removed", endpoint=OURS)
    assert done([*whole_run(), removed]) == set(range(1, 11)) - {6}


# W-11 W-14
def test_pieces_of_different_messages_do_not_make_one() -> None:
    other = [
        {**one, "message_id": "m-2"} if one["kind"] == "message.accepted" else one
        for one in whole_run()
    ]
    assert 9 not in done(other)
    elsewhere = [
        {**one, "notification_id": "n-2"} if one["kind"] == "notification.shown" else one
        for one in whole_run()
    ]
    assert 10 not in done(elsewhere)
    strangers = [
        {**one, "token": "lab_else"} if one["kind"] == "subscription.created" else one
        for one in whole_run()
    ]
    assert 4 not in done(strangers)


# W-10 W-14
def test_what_an_open_page_showed_is_no_work_of_the_worker() -> None:
    by_page = [
        {**one, "actor": "client"} if one["kind"] == "notification.shown" else one
        for one in whole_run()
    ]
    verdict = judge(by_page)[10]
    assert not verdict["done"]
    assert "page was open" in verdict["because"]


# W-1 W-14
def test_key_is_had_by_whoever_was_given_it() -> None:
    """The page may ask again and again: the answer that is shown came before its receipt."""
    again = event(30, "app-server", "vapid.key-served", {"public_key": KEY})
    (_made, served, arrived) = judge([*whole_run(), again])[1]["evidence"]
    assert (served["event"]["at"], arrived["event"]["at"]) == (1, 4)
    assert 1 not in done(whole_run(key=OTHER_KEY))


# W-2 W-14
def test_permission_of_former_days_counts() -> None:
    before = without("permission.asked", "permission.answered")
    before.append(event(3, "client", "permission.found", {"permission": "granted"}))
    assert 2 in done(before)


# X-5 W-14
def test_vendors_push_service_is_believed_at_second_hand() -> None:
    verdicts = judge(whole_run(VENDORS))
    assert {step for step, verdict in verdicts.items() if verdict["done"]} == set(range(1, 11))
    for step in (4, 9):
        assert "second-hand" in verdicts[step]["because"].lower()
    assert "second-hand" not in judge(whole_run())[9]["because"].lower()


# W-8 W-14
def test_older_success_does_not_hide_that_the_newest_hangs() -> None:
    posted = {"notification_id": "n-2", "endpoint": OURS}
    hangs = event(20, "app-server", "send.started", {}, **posted)
    verdict = judge([*whole_run(), hangs])[8]
    assert verdict["done"]
    assert "not answered yet" in verdict["because"]
    assert verdict["evidence"][-1]["event"]["at"] == 20
    alone = judge([*without("send.started", "send.answered"), hangs])[8]
    assert not alone["done"]
    assert "not answered yet" in alone["because"]
    later = event(21, "app-server", "send.retry", {}, **posted)
    assert judge([*whole_run(), hangs, later])[8]["because"] == ""


# W-11 W-14
def test_order_of_arrival_does_not_matter() -> None:
    assert done(whole_run()[::-1]) == set(range(1, 11))


# W-11 W-14
@pytest.mark.parametrize("strange", [None, 7, {"toString": 1, "valueOf": 1}])
def test_reports_of_any_shape_prove_nothing_and_break_nothing(strange: Any) -> None:
    names = ("endpoint", "keys", "permission", "public_key", "applicationServerKey", "title")
    detail = dict.fromkeys(names, strange)
    kinds = {one["kind"] for one in whole_run() if one["actor"] in ("client", "service-worker")}
    hostile = [
        event(20 + at, actor, kind, detail)
        for at, (actor, kind) in enumerate(
            (actor, kind) for actor in ("client", "service-worker") for kind in sorted(kinds)
        )
    ]
    assert done(hostile) == set()
    assert done([*whole_run(), *hostile]) == set(range(1, 11))


@pytest.mark.parametrize("step", [8, 9, 10])
def test_nothing_sent_says_where_to_begin(step: int) -> None:
    assert "(step 2)" in judge([])[step]["because"]
