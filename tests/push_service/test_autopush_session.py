"""Firefox's side of the service: which text is answered with which."""

import json
from typing import Any

import pytest

from push_service.autopush_session import Identified, Unidentified
from push_service.limits import Limits
from push_service.model import UserAgent
from push_service.wire.base64url import encode
from tests.push_service.parts import Service, Socket
from tests.push_service.vapid_keys import SenderKey

CHANNEL = "01234567-89ab-cdef-0123-456789abcdef"
KEY = encode(SenderKey().public) + "="


class Firefox:
    """Drives a session with texts, over a real hub."""

    def __init__(self, service: Service, uaid: str | None = None) -> None:
        self.service = service
        unidentified = Unidentified(service.hub, self._attach, lambda token: f"http://x/{token}")
        hello = {"messageType": "hello", "uaid": uaid} if uaid else {"messageType": "hello"}
        session, (answer,) = unidentified.on_text(json.dumps(hello))
        assert isinstance(session, Identified)
        self.session = session
        self.hello = json.loads(answer)

    def _attach(self, agent: UserAgent) -> Any:
        self.agent = agent
        self.connection = self.service.hub.attach(agent, Socket())
        return self.connection

    def say(self, kind: str, **fields: Any) -> dict[str, Any]:
        (answer,) = self.session.on_text(json.dumps({"messageType": kind, **fields}))
        reply: dict[str, Any] = json.loads(answer)
        return reply

    def pull(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.session.on_messages(self.connection.pull())]


@pytest.fixture
def firefox(service: Service) -> Firefox:
    return Firefox(service)


def test_nothing_but_hello_is_answered_before_hello(service: Service) -> None:  # W-4
    def attach(_agent: UserAgent) -> Any:
        raise AssertionError("nobody said hello")

    session = Unidentified(service.hub, attach, str)
    for text in ("garbage", json.dumps({"messageType": "register", "channelID": CHANNEL})):
        assert session.on_text(text) == (session, ())
    assert session.on_text("{}") == (session, ["{}"])


def test_hello_gives_a_new_browser_a_uaid(firefox: Firefox) -> None:  # W-4
    assert firefox.hello["uaid"] == firefox.agent.uaid
    assert firefox.hello["use_webpush"] is True


def test_hello_keeps_the_uaid_of_a_known_browser(firefox: Firefox) -> None:  # W-9
    firefox.say("register", channelID=CHANNEL, key=KEY)
    again = Firefox(firefox.service, firefox.hello["uaid"])
    assert again.hello["uaid"] == firefox.hello["uaid"]
    assert again.agent.id == firefox.agent.id


def test_hello_with_an_unknown_uaid_gets_a_new_one(service: Service) -> None:  # W-4
    assert Firefox(service, "unknown").hello["uaid"] != "unknown"


def test_register_answers_with_an_endpoint(firefox: Firefox) -> None:  # W-4
    answer = firefox.say("register", channelID=CHANNEL, key=KEY)
    assert (answer["status"], answer["channelID"]) == (200, CHANNEL)
    assert answer["pushEndpoint"].startswith("http://x/lab_")


def test_register_without_key_is_accepted(firefox: Firefox) -> None:  # W-4
    assert firefox.say("register", channelID=CHANNEL)["status"] == 200


@pytest.mark.parametrize(
    "key",
    ["", "abc", KEY[:-4], 7, "A" * 88, "!" * 88],
    ids=["empty", "text", "short", "number", "zeros", "no base64url"],  # the same in every process
)
def test_register_with_a_malformed_key_is_refused(firefox: Firefox, key: object) -> None:  # W-4
    answer = firefox.say("register", channelID=CHANNEL, key=key)
    assert (answer["status"], "pushEndpoint" in answer) == (400, False)
    (event,) = firefox.service.events("subscription")
    assert (event.kind, event.step) == ("subscription.refused", 4)


def test_register_beyond_the_quota_is_refused(service: Service) -> None:  # W-4
    limits = Limits(device_subscriptions=1)
    firefox = Firefox(Service(service.database, service.clock, limits=limits))
    assert firefox.say("register", channelID=CHANNEL)["status"] == 200
    answer = firefox.say("register", channelID=CHANNEL.replace("0", "1"))
    assert answer["status"] == 429
    assert "1 subscriptions" in answer["error"]


def test_unregister_ends_the_subscription(firefox: Firefox) -> None:  # W-13
    firefox.say("register", channelID=CHANNEL, key=KEY)
    assert firefox.say("unregister", channelID=CHANNEL, code=202)["status"] == 200
    (event,) = firefox.service.events("subscription.ended")
    assert event.detail["why"] == 202


def test_unregister_of_an_unknown_channel_is_answered_too(firefox: Firefox) -> None:  # W-13
    assert firefox.say("unregister", channelID=CHANNEL)["status"] == 200


@pytest.mark.parametrize("code", [100, 101, 102])
def test_ack_removes_the_message_whatever_its_code(firefox: Firefox, code: int) -> None:  # W-9
    firefox.service.send(firefox.service.subscribe(firefox.agent, CHANNEL))
    (notification,) = firefox.pull()
    update = {"channelID": CHANNEL, "version": notification["version"], "code": code}
    assert firefox.session.on_text(json.dumps({"messageType": "ack", "updates": [update]})) == ()
    (event,) = firefox.service.events("message.acknowledged")
    assert event.detail == {"code": code}


def test_nack_after_ack_is_noted(firefox: Firefox) -> None:  # W-10
    message = firefox.service.send(firefox.service.subscribe(firefox.agent, CHANNEL))
    firefox.connection.acknowledge([message.id], 100)
    nack = {"messageType": "nack", "version": message.id, "code": 302}
    assert firefox.session.on_text(json.dumps(nack)) == ()
    (event,) = firefox.service.events("message.nacked")
    assert (event.message_id, event.detail) == (message.id, {"code": 302})


def test_ping_is_answered(firefox: Firefox) -> None:  # W-9
    assert firefox.session.on_text("{}") == ["{}"]


def test_broadcasts_and_garbage_are_ignored(firefox: Firefox) -> None:  # W-9
    for text in ('{"messageType":"broadcast_subscribe","broadcasts":{}}', "x", "[]", ""):
        assert firefox.session.on_text(text) == ()


def test_journal_tells_no_credentials(firefox: Firefox) -> None:  # W-1
    firefox.say("register", channelID=CHANNEL, key=KEY)
    journal = json.dumps([event.as_json() for event in firefox.service.events()])
    assert firefox.hello["uaid"] not in journal
    assert firefox.agent.id in journal
