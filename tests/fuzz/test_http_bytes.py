"""Hostile bytes on the push service's real HTTP port, with every face behind it: whatever comes,
the answer is none or a refusal, and the next request is served."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path
from socket import SHUT_WR

import gevent
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from push_service.autopush_face import AutopushFace
from push_service.check_in_face import CheckInFace
from push_service.http_face import HttpFace
from push_service.lab_face import LabFace
from push_service.push_api import PushApi
from push_service.web import Answer, Request, Response, Router
from tests.fuzz.hostile import hostile, mutated
from tests.fuzz.seeds_of import seeds_of
from tests.push_service.parts import Service, service_on, sqlite_url
from tests.push_service.serving import Peer, served, status

SECRET = "the lab's secret"


def request(line: str, *lines: str, body: bytes = b"") -> bytes:
    head = [f"{line} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *lines, "", ""]
    return "\r\n".join(head).encode() + body


def right_requests(token: str) -> list[bytes]:
    """One for every face."""
    lab = f"Authorization: Bearer {SECRET}"
    upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
    key = "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=="
    frames = b"".join(seeds_of("websocket_frames"))
    return [
        request(f"POST /push/{token}", "TTL: 60", "Content-Encoding: aes128gcm", body=b"x" * 90),
        request(f"POST /wpush/v2/{token}", "TTL: 0", "Urgency: high", "Topic: a"),
        request("DELETE /message/abc"),
        request("POST /checkin", body=seeds_of("check_in_request")[0]),
        request("POST /register", "Authorization: AidLogin 7:8", body=b"app=a&sender=b"),
        request("GET /lab/journal?after=1&token=a", lab, "Accept: application/json"),
        request("PUT /lab/faults/accept", lab, body=b'{"status": 429}'),
        request(f"POST /lab/close/{token}", lab, body=b'{"code": 4774}'),
        request("GET /", *upgrade, key) + frames,
    ]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, int]]:
    path: Path = tmp_path_factory.mktemp("push-service")
    with service_on(sqlite_url(path)) as service:
        router = Router()
        api = PushApi(
            service.hub,
            service.faults,
            public_url="http://x",
            origins=["http://x"],
            sleep=gevent.sleep,
        )
        api.add_to(router)
        router.add("GET", "/", AutopushFace(service.hub, api.endpoint_of).get)
        CheckInFace(service.hub).add_to(router)
        LabFace(
            service.hub,
            service.journal,
            service.faults,
            secret=SECRET,
            origins=[],
            endpoint_of=api.endpoint_of,
        ).add_to(router)

        def answer(request: Request) -> Answer:
            return without_waiting(router.answer(request))

        with served(lambda listener: HttpFace(listener, answer)) as port:
            yield service, port


def without_waiting(answer: Answer) -> Answer:
    """Of a stream its beginning only: then it waits for news, and where gevent has not patched the
    standard library, as in this process, every other connection would wait with it."""
    if isinstance(answer, Response) and answer.stream is not None:
        return replace(answer, stream=islice(answer.stream, 1))
    return answer


def answer_to(port: int, *pieces: bytes) -> int:
    """The status of the first answer; 0 for none."""
    with Peer(port) as peer:
        for piece in pieces:
            peer.send(piece)
        with suppress(OSError):  # it may be quicker to hang up
            peer.socket.shutdown(SHUT_WR)
        return status(peer.receive())


@settings(
    suppress_health_check=list(HealthCheck), max_examples=max(60, settings().max_examples // 4)
)
@given(data=st.data(), cut=st.integers(0, 200))
def test_hostile_requests_are_refused(
    running: tuple[Service, int], data: st.DataObject, cut: int
) -> None:  # W-9
    service, port = running
    service.faults.clear()
    token = service.subscribe(service.firefox()).token
    seeds = right_requests(token)
    sent = data.draw(st.one_of(mutated(seeds), hostile("push_headers")))
    answered = answer_to(port, sent[:cut], sent[cut:])
    assert answered < 500 or answered in (501, 505) or sent.find(b"/checkin") >= 0, answered
    assert answer_to(port, request("DELETE /message/none")) == 404


def test_right_requests_are_understood(running: tuple[Service, int]) -> None:
    """What the hostile ones are made of: each reaches its face."""
    service, port = running
    service.faults.clear()  # a hostile request may have switched one on
    for seed in right_requests(service.subscribe(service.firefox()).token):
        assert answer_to(port, seed) in (101, 200, 201, 401, 404), seed


def test_query_of_too_many_parameters_is_no_failure(running: tuple[Service, int]) -> None:
    _, port = running
    assert answer_to(port, request("GET /lab/journal?" + "a=b&" * 500)) == 401


def test_stream_keeps_nobody_waiting(running: tuple[Service, int]) -> None:
    """A right request without its Accept."""
    _, port = running
    bearer = f"Authorization: Bearer {SECRET}"
    assert answer_to(port, request("GET /lab/journal", bearer)) == 200
    assert answer_to(port, request("DELETE /message/none")) == 404
