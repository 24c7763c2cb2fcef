"""What is held for whom, handed over in which order, and when it goes."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from push_service import store
from push_service.connection import BATCH, WINDOW
from push_service.faults import Fault
from push_service.hub import GRACE, MEMORY, SubscriptionEndedError
from push_service.model import Draft
from tests.push_service.parts import Service, Socket, bodies, service_at

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


# -- what is stored


def test_everything_survives_a_new_process_on_the_same_file(tmp_path: Path) -> None:  # W-9
    with service_at(tmp_path) as before:
        agent = before.firefox()
        subscription = before.subscribe(agent)
        draft = Draft(60, "high", "topic", "aesgcm", "salt=x", "dh=y", b"\x00\xff")
        message = before.hub.accept(subscription, draft)
    with service_at(tmp_path) as after:
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
