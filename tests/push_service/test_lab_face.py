"""The journal and the faults over HTTP: who sees what, and how a reader goes on."""

import hmac
import json
from hashlib import sha256
from itertools import islice
from typing import Any

import pytest

from push_service import lab_face
from push_service.lab_face import LabFace
from push_service.model import Subscription
from push_service.web import Request, Response, Router
from push_service.wire.base64url import encode
from tests.push_service.parts import Service, Socket, bodies

SECRET = "the secret of the lab"
ORIGIN = "http://127.0.0.1:5000"


class Reader:
    """A page or a test that reads the lab face."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.router = Router()
        LabFace(
            service.hub,
            service.journal,
            service.faults,
            secret=SECRET,
            origins=[ORIGIN],
            endpoint_of=lambda token: f"https://push.example/wpush/v2/{token}",
            clock=service.clock,
        ).add_to(self.router)

    def ask(
        self, method: str, target: str, token: str = SECRET, body: bytes = b"", **headers: str
    ) -> Response:
        sent = {"authorization": f"Bearer {token}", "accept": "application/json", **headers}
        many = {name.replace("_", "-"): [value] for name, value in sent.items()}
        answer = self.router.answer(Request(method, target, many, body))
        assert isinstance(answer, Response)
        return answer

    def page(self, token: str = SECRET, after: int = 0) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(
            self.ask("GET", f"/lab/journal?after={after}", token).body
        )
        return content

    def stream(self, count: int, last_event_id: str = "") -> list[str]:
        answer = self.ask(
            "GET", "/lab/journal", accept="text/event-stream", last_event_id=last_event_id
        )
        assert answer.stream is not None
        return [piece.decode() for piece in islice(answer.stream, count)]

    def run_token(self, *subscriptions: Subscription, **more: float) -> str:
        endpoints = [subscription.token for subscription in subscriptions]
        claims = {"run": "r1", "endpoints": endpoints, "exp": self.service.clock.now + 60, **more}
        payload = encode(json.dumps(claims).encode())
        return f"{payload}.{encode(hmac.digest(SECRET.encode(), payload.encode(), sha256))}"


@pytest.fixture
def reader(service: Service) -> Reader:
    return Reader(service)


def test_lab_is_closed_to_strangers(reader: Reader) -> None:
    for target in ("/lab/journal", "/lab/faults", "/lab/faults/accept"):
        assert reader.ask("GET", target, "guess").status == 401
    assert reader.ask("PUT", "/lab/faults/accept", "guess", b"{}").status == 401
    assert reader.service.faults.take("accept", "any") is None


def test_token_may_come_in_the_query(reader: Reader) -> None:
    query = f"/lab/journal?token={SECRET.replace(' ', '%20')}"
    assert reader.ask("GET", query, authorization="").status == 200


def test_page_goes_on_from_the_cursor(reader: Reader) -> None:
    reader.service.subscribe(reader.service.firefox(), "a")
    first = reader.page()
    reader.service.subscribe(reader.service.firefox(), "b")
    second = reader.page(after=first["cursor"])
    channels = [event["detail"]["channel"] for page in (first, second) for event in page["events"]]
    assert channels == ["a", "b"]
    assert reader.page(after=second["cursor"])["events"] == []


def test_stream_numbers_its_events_and_goes_on_after_the_last(reader: Reader) -> None:
    reader.service.subscribe(reader.service.firefox(), "a")
    _, events = reader.stream(2)
    number = events.splitlines()[0].removeprefix("id: ")
    reader.service.subscribe(reader.service.firefox(), "b")
    _, later = reader.stream(2, last_event_id=number)
    assert '"channel": "b"' in later
    assert '"channel": "a"' not in later


def test_run_token_shows_its_endpoints_and_their_browser_only(reader: Reader) -> None:
    service = reader.service
    mine, other = service.firefox(), service.firefox()
    subscription, neighbour = service.subscribe(mine, "mine"), service.subscribe(mine, "neighbour")
    service.send(service.subscribe(other, "other"))
    service.send(neighbour)
    for agent in (mine, other):
        service.hub.attach(agent, Socket())
    events = reader.page(reader.run_token(subscription))["events"]
    assert [(event["kind"], event["user_agent"]) for event in events] == [
        ("subscription.created", mine.id),
        ("user_agent.connected", mine.id),
    ]


def test_run_sees_nothing_from_before_it_began(reader: Reader) -> None:  # X-4 W-11
    subscription = reader.service.subscribe(reader.service.firefox())
    reader.service.clock.now += 10
    reader.service.send(subscription)
    token = reader.run_token(subscription, since=reader.service.clock.now)
    kinds = [event["kind"] for event in reader.page(token)["events"]]
    assert "subscription.created" not in kinds
    assert "message.accepted" in kinds


def test_stream_with_nothing_to_tell_says_that_it_is_alive(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:  # X-4 W-14
    monkeypatch.setattr(lab_face, "ALIVE_SECONDS", 0.01)
    assert reader.stream(3)[1:] == ["event: alive\ndata:\n\n"] * 2


def test_run_token_resets_nothing(reader: Reader) -> None:
    subscription = reader.service.subscribe(reader.service.hub.autopush_agent(None))
    assert reader.ask("POST", "/lab/reset", reader.run_token(subscription)).status == 401
    assert reader.ask("POST", "/lab/reset").status == 200
    ended = reader.service.hub.subscription(subscription.token)
    assert ended is not None
    assert ended.ended


def test_expired_run_token_is_refused(reader: Reader) -> None:
    token = reader.run_token()
    reader.service.clock.now += 61
    assert reader.ask("GET", "/lab/journal", token).status == 401


@pytest.mark.parametrize("after", ["", "x", "-1", "9" * 30, "٣"])
def test_strange_cursors_are_the_beginning(reader: Reader, after: str) -> None:
    reader.service.subscribe(reader.service.firefox())
    assert len(json.loads(reader.ask("GET", f"/lab/journal?after={after}").body)["events"]) == 1


def test_lab_is_open_to_the_apps_pages_only(reader: Reader) -> None:
    allowed = dict(reader.ask("GET", "/lab/faults", origin=ORIGIN).headers)
    assert allowed["Access-Control-Allow-Origin"] == ORIGIN
    denied = dict(reader.ask("GET", "/lab/faults", origin="http://evil.example").headers)
    assert "Access-Control-Allow-Origin" not in denied
    preflight = dict(reader.ask("OPTIONS", "/lab/faults/accept", "", origin=ORIGIN).headers)
    assert preflight["Access-Control-Allow-Methods"] == "GET, POST, PUT, DELETE"


def test_faults_are_armed_shown_and_removed(reader: Reader) -> None:  # W-12
    put = reader.ask("PUT", "/lab/faults/accept", body=b'{"times": 2, "status": 429}')
    shown = json.loads(reader.ask("GET", "/lab/faults/accept").body)
    assert json.loads(put.body) == shown
    assert (shown["armed"], shown["times"], shown["status"]) == (True, 2, 429)
    assert reader.ask("DELETE", "/lab/faults/accept").status == 204
    faults = json.loads(reader.ask("GET", "/lab/faults").body)["faults"]
    assert not any(fault["armed"] for fault in faults)


def test_faults_of_a_run_break_only_its_endpoints(reader: Reader) -> None:  # W-12
    subscription = reader.service.subscribe(reader.service.firefox())
    token = reader.run_token(subscription)
    reader.ask("PUT", "/lab/faults/hold", token, b"{}")
    assert reader.service.faults.holds(subscription.token)
    assert not reader.service.faults.holds("lab_other")
    assert json.loads(reader.ask("GET", "/lab/faults/hold").body)["armed"] is False


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("nothing", b"{}"),
        ("accept", b"[]"),
        ("accept", b"{"),
        ("accept", b"[" * 20000),
        ("accept", b'{"times": 0}'),
        ("accept", b'{"times": "2"}'),
        ("accept", b'{"times": true}'),
        ("accept", b'{"status": 200}'),
        ("accept", b'{"status": 418}'),
        ("accept", b'{"retry_after": -1}'),
        ("accept", b'{"what": 1}'),
        ("hold", b'{"times": 1}'),
        ("hold", b'{"below": "urgent"}'),
        ("delay", b'{"seconds": 0}'),
        ("delay", b'{"status": 500}'),
        ("drop", b'{"stored": 1}'),
    ],
)
def test_strange_faults_are_refused(reader: Reader, name: str, body: bytes) -> None:  # W-12
    answer = reader.ask("PUT", f"/lab/faults/{name}", body=body)
    assert answer.status == 400
    assert json.loads(answer.body)["message"]


# -- subscriptions


def test_lab_lists_subscriptions_and_what_they_hold(reader: Reader) -> None:
    service = reader.service
    one, other = service.firefox(), service.firefox()
    mine, foreign = service.subscribe(one), service.subscribe(other)
    service.send(mine)
    service.hub.attach(other, Socket())

    def listed(token: str) -> list[dict[str, Any]]:
        answer = json.loads(reader.ask("GET", "/lab/subscriptions", token).body)
        shown: list[dict[str, Any]] = answer["subscriptions"]
        return shown

    assert {(entry["token"], entry["held"], entry["connected"]) for entry in listed(SECRET)} == {
        (mine.token, 1, False),
        (foreign.token, 0, True),
    }
    assert [entry["token"] for entry in listed(reader.run_token(mine))] == [mine.token]


def test_lab_expires_a_subscription_behind_the_browsers_back(reader: Reader) -> None:  # W-12
    service, socket = reader.service, Socket()
    agent = service.firefox()
    subscription = service.subscribe(agent)
    connection = service.hub.attach(agent, socket)
    service.send(subscription)
    assert reader.ask("POST", f"/lab/expire/{subscription.token}").status == 200
    ended = service.hub.subscription(subscription.token)
    assert ended is not None
    assert ended.ended
    assert bodies(connection) == []
    assert socket.heard == ["wake"]  # by the message, and by nothing else


def test_lab_closes_a_browsers_connection_with_a_code(reader: Reader) -> None:  # W-12
    service, socket = reader.service, Socket()
    agent = service.firefox()
    path = f"/lab/close/{service.subscribe(agent).token}"
    assert json.loads(reader.ask("POST", path).body) == {"closed": False, "code": 1001}
    service.hub.attach(agent, socket)
    answer = reader.ask("POST", path, body=b'{"code": 4774, "reason": "go away"}')
    assert json.loads(answer.body) == {"closed": True, "code": 4774}
    assert socket.heard == ["close 4774 go away"]


@pytest.mark.parametrize("route", ["expire", "close"])
def test_run_token_reaches_its_own_subscriptions_only(reader: Reader, route: str) -> None:
    mine = reader.service.subscribe(reader.service.firefox())
    foreign = reader.service.subscribe(reader.service.firefox())
    token = reader.run_token(mine)
    assert reader.ask("POST", f"/lab/{route}/{foreign.token}", token).status == 400
    assert reader.ask("POST", f"/lab/{route}/{mine.token}", token).status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{",
        b'{"code": 1005}',
        b'{"code": 999}',
        b'{"code": 5000}',
        b'{"code": true}',
        b'{"code": "1000"}',
        b'{"reason": 1}',
        b'{"reason": "\\ud800"}',
        b'{"reason": "' + b"x" * 124 + b'"}',
        b'{"what": 1}',
    ],
)
def test_strange_close_codes_are_refused(reader: Reader, body: bytes) -> None:  # W-12
    token = reader.service.subscribe(reader.service.firefox()).token
    assert reader.ask("POST", f"/lab/close/{token}", body=body).status == 400
