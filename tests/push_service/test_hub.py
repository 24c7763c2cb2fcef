"""What is held for whom, handed over in which order, and when it goes."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from push_service import store
from push_service.connection import BATCH, WINDOW
from push_service.faults import Fault
from push_service.hub import EXPIRY_BATCH, GRACE, MEMORY, SubscriptionEndedError
from push_service.limits import Limits
from push_service.model import Draft, FullError
from tests.push_service.parts import Service, Socket, bodies, service_on


@pytest.fixture
def service(any_url: str) -> Iterator[Service]:
    """On SQLite, and on PostgreSQL."""
    with service_on(any_url) as service:
        yield service


# -- order and acknowledgement


def test_hub_delivers_held_messages_in_order(service: Service) -> None:  # W-9
    agent = service.firefox()
    subscription = service.subscribe(agent)
    sent = [b"%d" % number for number in range(40)]
    for body in sent:
        service.send(subscription, body)
    assert bodies(service.hub.attach(agent, Socket())) == sent


def test_hub_sends_each_message_once_per_connection(service: Service) -> None:  # W-9
    agent = service.firefox()
    service.send(service.subscribe(agent))
    connection = service.hub.attach(agent, Socket())
    assert bodies(connection) == [b"x"]
    assert bodies(connection) == []


def test_hub_wakes_the_browser_for_a_new_message(service: Service) -> None:  # W-10
    agent, socket = service.firefox(), Socket()
    subscription = service.subscribe(agent)
    service.hub.attach(agent, socket)
    service.send(subscription)
    assert socket.heard == ["wake"]


def test_hub_sends_unacknowledged_messages_again_with_the_same_id(service: Service) -> None:  # W-9
    agent = service.firefox()
    message = service.send(service.subscribe(agent))
    service.hub.attach(agent, Socket()).pull()
    (again,) = service.hub.attach(agent, Socket()).pull()
    assert again.id == message.id


def test_hub_forgets_acknowledged_messages(service: Service) -> None:  # W-9
    agent = service.firefox()
    message = service.send(service.subscribe(agent))
    connection = service.hub.attach(agent, Socket())
    connection.pull()
    connection.acknowledge([message.id], 100)
    assert bodies(service.hub.attach(agent, Socket())) == []


def test_hub_takes_acknowledgements_of_an_earlier_connection(service: Service) -> None:  # W-9
    agent = service.firefox()
    message = service.send(service.subscribe(agent))
    connection = service.hub.attach(agent, Socket())
    connection.acknowledge([message.id], "login")
    assert bodies(connection) == []
    (event,) = service.events("message.acknowledged")
    assert (event.message_id, event.detail) == (message.id, {"code": "login"})


def test_hub_ignores_acknowledgements_of_somebody_else(service: Service) -> None:  # W-9
    agent, stranger = service.firefox(), service.firefox()
    message = service.send(service.subscribe(agent))
    service.hub.attach(stranger, Socket()).acknowledge([message.id, "no such id"], 100)
    assert bodies(service.hub.attach(agent, Socket())) == [b"x"]


def test_hub_delivers_what_comes_after_everything_was_acknowledged(service: Service) -> None:  # W-9
    agent = service.firefox()
    subscription = service.subscribe(agent)
    connection = service.hub.attach(agent, Socket())
    for body in (b"1", b"2", b"3"):
        message = service.send(subscription, body)
        assert bodies(connection) == [body]
        connection.acknowledge([message.id], 100)


def test_hub_keeps_the_browsers_apart(service: Service) -> None:  # W-9
    one, other = service.firefox(), service.firefox()
    service.send(service.subscribe(one), b"one")
    service.send(service.subscribe(other), b"other")
    assert bodies(service.hub.attach(other, Socket())) == [b"other"]


# -- a slow browser


def test_pull_stops_at_the_window_until_acknowledged(service: Service) -> None:  # W-9
    agent, socket = service.firefox(), Socket()
    subscription = service.subscribe(agent)
    messages = [service.send(subscription, b"%d" % n) for n in range(WINDOW + 5)]
    connection = service.hub.attach(agent, socket)
    assert len(connection.pull()) == BATCH
    assert len(bodies(connection)) == WINDOW - BATCH
    connection.acknowledge([message.id for message in messages[:5]], 100)
    assert socket.heard == ["wake"]
    assert bodies(connection) == [b"%d" % n for n in range(WINDOW, WINDOW + 5)]


# -- two connections of one browser


def test_hub_replaces_the_older_connection(service: Service) -> None:  # W-9
    agent, older, newer = service.firefox(), Socket(), Socket()
    subscription = service.subscribe(agent)
    service.hub.attach(agent, older)
    service.hub.attach(agent, newer)
    service.send(subscription)
    assert (older.heard, newer.heard) == (["replaced"], ["wake"])


def test_late_detach_evicts_no_newer_connection(service: Service) -> None:  # W-9
    agent, newer = service.firefox(), Socket()
    subscription = service.subscribe(agent)
    older = service.hub.attach(agent, Socket())
    service.hub.attach(agent, newer)
    older.detach()
    service.send(subscription)
    assert newer.heard == ["wake"]


# -- TTL, topic, cancel


def test_expired_messages_are_not_delivered(service: Service) -> None:  # W-9
    agent = service.firefox()
    message = service.send(service.subscribe(agent), ttl=60)
    service.clock.now += 60
    assert bodies(service.hub.attach(agent, Socket())) == []
    assert service.hub.expire() == 1
    assert service.hub.expire() == 0
    assert [event.message_id for event in service.events("message.expired")] == [message.id]


def test_messages_expire_in_batches(service: Service) -> None:  # W-9
    subscription = service.subscribe(service.firefox())
    for _ in range(EXPIRY_BATCH + 1):
        service.send(subscription, ttl=1)
    kept = service.send(subscription, b"kept", ttl=60)
    service.clock.now += 1
    assert [service.hub.expire() for _ in range(3)] == [EXPIRY_BATCH, 1, 0]
    assert len(service.events("message.expired")) == EXPIRY_BATCH + 1
    assert service.hub.cancel(kept.id)


def test_message_that_expires_in_the_window_is_not_sent_again(service: Service) -> None:  # W-9
    agent = service.firefox()
    service.send(service.subscribe(agent), ttl=60)
    service.hub.attach(agent, Socket()).pull()
    service.clock.now += 60
    assert bodies(service.hub.attach(agent, Socket())) == []


def test_messages_are_kept_until_their_ttl(service: Service) -> None:  # W-9
    agent = service.firefox()
    service.send(service.subscribe(agent), ttl=60)
    service.clock.now += 59.9
    assert service.hub.expire() == 0
    assert bodies(service.hub.attach(agent, Socket())) == [b"x"]


def test_ttl_zero_reaches_a_connected_browser(service: Service) -> None:  # W-9
    agent = service.firefox()
    subscription = service.subscribe(agent)
    connection = service.hub.attach(agent, Socket())
    service.send(subscription, ttl=0)
    assert bodies(connection) == [b"x"]
    service.clock.now += GRACE
    assert service.hub.expire() == 1


def test_ttl_zero_is_dropped_when_the_browser_is_offline(service: Service) -> None:  # W-9
    agent = service.firefox()
    service.send(service.subscribe(agent), ttl=0)
    assert bodies(service.hub.attach(agent, Socket())) == []
    kinds = [event.kind for event in service.events("message")]
    assert kinds == ["message.accepted", "message.expired"]


def test_topic_replaces_only_the_same_topic_and_subscription(service: Service) -> None:  # W-9
    agent = service.firefox()
    one, other = service.subscribe(agent, "one"), service.subscribe(agent, "other")
    service.send(other, b"other", topic="news")
    service.send(one, b"no topic")
    service.send(one, b"old", topic="news")
    service.send(one, b"weather", topic="weather")
    service.send(one, b"new", topic="news")
    waiting = bodies(service.hub.attach(agent, Socket()))
    assert waiting == [b"other", b"no topic", b"weather", b"new"]


def test_topic_replaces_nothing_once_acknowledged(service: Service) -> None:  # W-9
    agent = service.firefox()
    subscription = service.subscribe(agent)
    first = service.send(subscription, topic="news")
    service.hub.attach(agent, Socket()).acknowledge([first.id], 100)
    service.send(subscription, topic="news")
    assert service.events("message.replaced") == []


def test_cancel_removes_a_message_once(service: Service) -> None:  # W-9
    agent = service.firefox()
    message = service.send(service.subscribe(agent))
    assert service.hub.cancel(message.id)
    assert not service.hub.cancel(message.id)
    assert bodies(service.hub.attach(agent, Socket())) == []


# -- subscriptions


def test_subscribe_is_idempotent_for_the_same_key(service: Service) -> None:  # W-4
    agent = service.firefox()
    assert service.subscribe(agent) == service.subscribe(agent)
    assert len(service.events("subscription.created")) == 1


def test_endpoints_are_long_random_and_distinct(service: Service) -> None:  # W-4
    agent = service.firefox()
    tokens = {service.subscribe(agent, f"channel {n}").token for n in range(20)}
    assert len(tokens) == 20
    assert all(token.startswith("lab_") and len(token) >= 47 for token in tokens)


def test_another_key_ends_the_old_subscription(service: Service) -> None:  # W-3
    agent = service.firefox()
    old = service.subscribe(agent)
    service.send(old)
    new = service.hub.subscribe(agent, "channel", sender="key", key=b"key")
    assert _ended(service, old.token)
    assert not _ended(service, new.token)
    assert bodies(service.hub.attach(agent, Socket())) == []


def test_unsubscribe_ends_the_subscription_and_drops_its_messages(service: Service) -> None:  # W-9
    agent = service.firefox()
    subscription = service.subscribe(agent)
    service.send(subscription)
    assert service.hub.unsubscribe(agent, "channel", 200)
    assert not service.hub.unsubscribe(agent, "channel", 200)
    assert _ended(service, subscription.token)
    assert bodies(service.hub.attach(agent, Socket())) == []
    (event,) = service.events("subscription.ended")
    assert event.detail["messages_dropped"] == 1


def test_accept_after_the_end_is_refused(service: Service) -> None:  # W-9
    agent = service.firefox()
    subscription = service.subscribe(agent)
    service.hub.unsubscribe(agent, "channel", 200)
    with pytest.raises(SubscriptionEndedError):
        service.hub.accept(subscription, Draft(ttl=60))


def test_message_stored_after_the_end_is_never_delivered(service: Service) -> None:  # W-9
    agent = service.firefox()
    subscription = service.subscribe(agent)
    message = service.send(subscription)
    service.hub.unsubscribe(agent, "channel", 200)
    service.database.run(store.insert_message, message)  # it was on its way
    assert bodies(service.hub.attach(agent, Socket())) == []


def test_unknown_tokens_are_nobodys(service: Service) -> None:  # W-9
    assert service.hub.subscription("lab_nobody") is None


def test_ended_subscriptions_are_forgotten_in_the_end(service: Service) -> None:  # W-9
    agent = service.firefox()
    subscription = service.subscribe(agent)
    service.hub.unsubscribe(agent, "channel", 200)
    service.clock.now += MEMORY + 1
    service.hub.forget()
    fresh = Service(service.database, service.clock)
    assert fresh.hub.subscription(subscription.token) is None
    assert fresh.hub.autopush_agent(agent.uaid).id != agent.id


# -- user agents


def test_unknown_uaid_gets_a_new_one(service: Service) -> None:  # W-4
    agent = service.hub.autopush_agent("never heard of")
    assert agent.uaid != "never heard of"


def test_known_uaid_is_kept(service: Service) -> None:  # W-9
    agent = service.firefox()
    service.subscribe(agent)
    assert service.hub.autopush_agent(agent.uaid) == agent


def test_checked_in_devices_are_distinct(service: Service) -> None:  # W-4
    agents = [service.hub.check_in() for _ in range(20)]
    assert len({agent.android_id for agent in agents}) == 20
    assert all(0 < (agent.security_token or 0) < 1 << 63 for agent in agents)


def test_device_with_a_wrong_security_token_is_refused(service: Service) -> None:  # W-9
    agent = service.hub.check_in()
    android_id, token = agent.android_id or 0, agent.security_token or 0
    assert service.hub.mcs_agent(android_id, token) == agent
    assert service.hub.mcs_agent(android_id, token ^ 1) is None
    assert service.hub.mcs_agent(0, token) is None
    assert service.hub.mcs_agent(1 << 64, token) is None


def test_unknown_device_is_adopted(service: Service) -> None:  # W-9
    stranger = service.hub.mcs_agent((1 << 64) - 1, 5)
    assert stranger is not None
    assert service.hub.mcs_agent((1 << 64) - 1, 5) == stranger
    assert service.hub.mcs_agent((1 << 64) - 1, 6) is None


# -- quotas


@pytest.fixture
def small(any_url: str) -> Iterator[Service]:
    """A service that is soon full."""
    limits = Limits(
        subscription_messages=3,
        device_messages=5,
        device_bytes=100,
        device_subscriptions=3,
        devices=3,
        messages=7,
    )
    with service_on(any_url, limits=limits) as service:
        yield service


def test_full_subscription_takes_no_more_and_keeps_what_it_took(small: Service) -> None:  # W-9
    agent = small.firefox()
    subscription, other = small.subscribe(agent, "a"), small.subscribe(agent, "b")
    for body in (b"1", b"2", b"3"):
        small.send(subscription, body)
    with pytest.raises(FullError, match="3 messages"):
        small.send(subscription, b"4")
    small.send(other, b"5")
    assert bodies(small.hub.attach(agent, Socket())) == [b"1", b"2", b"3", b"5"]


def test_acknowledged_messages_make_room(small: Service) -> None:  # W-9
    agent = small.firefox()
    subscription = small.subscribe(agent)
    connection = small.hub.attach(agent, Socket())
    for _ in range(20):
        message = small.send(subscription)
        connection.pull()
        connection.acknowledge([message.id], 100)


def test_full_subscription_still_takes_what_replaces_a_topic(small: Service) -> None:  # W-9
    agent = small.firefox()
    subscription = small.subscribe(agent)
    for body in (b"1", b"2"):
        small.send(subscription, body)
    small.send(subscription, b"old", topic="score")
    small.send(subscription, b"new", topic="score")
    with pytest.raises(FullError):
        small.send(subscription, b"5", topic="weather")
    assert bodies(small.hub.attach(agent, Socket())) == [b"1", b"2", b"new"]


def test_full_device_takes_no_more(small: Service) -> None:  # W-9
    agent = small.firefox()
    one, other = small.subscribe(agent, "a"), small.subscribe(agent, "b")
    for subscription in (one, one, one, other, other):
        small.send(subscription)
    with pytest.raises(FullError, match="5 messages"):
        small.send(other)


def test_device_takes_so_many_bytes(small: Service) -> None:  # W-9
    subscription = small.subscribe(small.firefox())
    small.send(subscription, bytes(60))
    with pytest.raises(FullError, match="100 bytes"):
        small.send(subscription, bytes(41))
    small.send(subscription, bytes(40))


def test_full_service_says_that_it_is_its_own_fault(small: Service) -> None:  # W-9
    one, other = small.subscribe(small.firefox()), small.subscribe(small.firefox())
    third = small.subscribe(small.firefox())
    for subscription in (one, one, one, other, other, other, third):
        small.send(subscription)
    with pytest.raises(FullError) as caught:
        small.send(third)
    assert caught.value.everywhere


def test_device_has_so_many_subscriptions(small: Service) -> None:  # W-4
    agent = small.firefox()
    for channel in "abc":
        small.subscribe(agent, channel)
    with pytest.raises(FullError, match="3 subscriptions"):
        small.subscribe(agent, "d")
    small.subscribe(agent, "c")  # it is there already
    small.hub.unsubscribe(agent, "a", 200)
    small.subscribe(agent, "d")


def test_device_that_subscribes_and_unsubscribes_fills_no_disk(small: Service) -> None:  # W-4
    agent = small.firefox()
    tokens = []
    for number in range(10):
        tokens.append(small.subscribe(agent, str(number)).token)
        small.clock.now += 1
        small.hub.unsubscribe(agent, str(number), 200)
    fresh = Service(small.database, small.clock)
    known = [fresh.hub.subscription(token) is not None for token in tokens]
    assert known == [False] * 6 + [True] * 4  # 410 for the last ones, 404 for those before


def test_service_knows_so_many_devices(small: Service) -> None:  # W-4
    for _ in range(2):
        small.hub.check_in()
    small.subscribe(small.firefox())
    with pytest.raises(FullError):
        small.hub.check_in()
    with pytest.raises(FullError):
        small.subscribe(small.firefox())
    with pytest.raises(FullError):
        small.hub.mcs_agent(77, 5)


# -- the fault "hold"


def test_held_messages_follow_in_order_once_released(service: Service) -> None:  # W-12
    agent, socket = service.firefox(), Socket()
    subscription, other = service.subscribe(agent, "a"), service.subscribe(agent, "b")
    connection = service.hub.attach(agent, socket)
    service.faults.arm("lab", Fault("hold", tokens=frozenset([subscription.token])))
    service.send(subscription, b"1")
    service.send(other, b"2")
    service.send(subscription, b"3")
    assert bodies(connection) == [b"2"]
    service.faults.disarm("lab", "hold")
    assert socket.heard[-1] == "wake"
    assert bodies(connection) == [b"1", b"3"]


def test_device_that_saves_its_battery_gets_what_is_urgent(service: Service) -> None:  # W-12
    agent = service.firefox()
    subscription = service.subscribe(agent)
    connection = service.hub.attach(agent, Socket())
    service.faults.arm("lab", Fault("hold", below="high"))
    for urgency in ("very-low", "high", "normal"):
        service.send(subscription, urgency.encode(), urgency=urgency)
    assert bodies(connection) == [b"high"]
    service.faults.disarm("lab", "hold")
    assert bodies(connection) == [b"very-low", b"normal"]


# -- what is stored


def test_everything_survives_a_new_process_on_the_same_database(any_url: str) -> None:  # W-9
    with service_on(any_url) as before:
        agent = before.firefox()
        subscription = before.subscribe(agent)
        draft = Draft(60, "high", "topic", "aesgcm", "salt=x", "dh=y", b"\x00\xff")
        message = before.hub.accept(subscription, draft)
    with service_on(any_url) as after:
        assert after.hub.subscription(subscription.token) == subscription
        (held,) = after.hub.attach(after.hub.autopush_agent(agent.uaid), Socket()).pull()
    assert replace(held, position=0) == message


def test_many_senders_at_once_lose_nothing(service: Service) -> None:  # W-9
    agent = service.firefox()
    subscription = service.subscribe(agent)
    senders = [
        threading.Thread(target=lambda: [service.send(subscription) for _ in range(20)])
        for _ in range(10)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    connection, received = service.hub.attach(agent, Socket()), set[str]()
    while messages := connection.pull():
        received |= {message.id for message in messages}
        connection.acknowledge([message.id for message in messages], 100)
    assert len(received) == 200


def test_journal_tells_the_life_of_a_message(service: Service) -> None:  # W-9
    agent = service.firefox()
    message = service.send(service.subscribe(agent))
    connection = service.hub.attach(agent, Socket())
    connection.delivered(connection.pull())
    connection.acknowledge([message.id], 100)
    connection.nacked(message.id, 301)
    assert [event.kind for event in service.events("message")] == [
        "message.accepted",
        "message.held",
        "message.delivered",
        "message.acknowledged",
        "message.nacked",
    ]


def _ended(service: Service, token: str) -> bool:
    subscription = service.hub.subscription(token)
    return subscription is not None and subscription.ended
