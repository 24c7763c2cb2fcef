"""RFC 8030's answers, without a socket: which status, which headers, what is stored."""

import json
from base64 import urlsafe_b64encode

import pytest

from push_service.faults import Fault
from push_service.limits import Limits
from push_service.model import Subscription, UserAgent
from push_service.push_api import GOOGLE, PATHS, PushApi
from push_service.web import Request, Response, Router, Takeover
from push_service.wire.dialects import APPLE, FCM, MOZILLA, Dialect
from tests.push_service.parts import Service, Socket, bodies
from tests.push_service.vapid_keys import SenderKey

URL = "http://127.0.0.1:8000"
TLS = "https://127.0.0.1:8443"
KEY = SenderKey()


class Sender:
    """An application server that posts to one subscription."""

    def __init__(
        self,
        service: Service,
        agent: UserAgent,
        key: bytes | None = KEY.public,
        dialect: Dialect = MOZILLA,
    ) -> None:
        self.service = service
        self.agent = agent
        sender = None if key is None else urlsafe_b64encode(key).decode()
        self.subscription = service.hub.subscribe(agent, "channel", sender=sender, key=key)
        slept: list[float] = []
        api = PushApi(
            service.hub,
            service.faults,
            public_url=URL,
            origins=[URL, TLS],
            limits=service.limits,
            dialect=dialect,
            clock=service.clock,
            sleep=slept.append,
        )
        self.slept = slept
        self.endpoint = api.endpoint_of(self.subscription.token)
        self.router = Router()
        api.add_to(self.router)

    def post(
        self,
        body: bytes | None = b"x",
        *,
        aud: str = URL,
        path: str = "/push/",
        token: str | None = None,
        leave_out: str = "",
        **headers: str,
    ) -> Response:
        return self.ask(
            self.build_request(
                body, aud=aud, path=path, token=token, leave_out=leave_out, **headers
            )
        )

    def build_request(
        self,
        body: bytes | None = b"x",
        *,
        aud: str = URL,
        path: str = "/push/",
        token: str | None = None,
        leave_out: str = "",
        **headers: str,
    ) -> Request:
        exp = int(self.service.clock.now) + 3600
        sent = {
            "ttl": "60",
            "content-encoding": "aes128gcm",
            "authorization": KEY.authorization(aud=aud, exp=exp),
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        sent.pop(leave_out, None)
        target = path + (self.subscription.token if token is None else token)
        many = {name: [value] for name, value in sent.items()}
        return Request("POST", target, many, body)

    def ask(self, request: Request) -> Response:
        answer = self.router.answer(request)
        assert isinstance(answer, Response)
        return answer

    def waiting(self) -> list[bytes]:
        return bodies(self.service.hub.attach(self.agent, Socket()))


@pytest.fixture
def sender(service: Service) -> Sender:
    return Sender(service, service.firefox())


def errno(response: Response) -> tuple[int, int]:
    content = json.loads(response.body)
    assert content["code"] == response.status
    assert content["message"]
    return response.status, content["errno"]


# -- accepted


@pytest.mark.parametrize("path", PATHS)
def test_post_stores_the_message(sender: Sender, path: str) -> None:  # W-9
    response = sender.post(b"hello", path=path)
    headers = dict(response.headers)
    assert (response.status, headers["TTL"]) == (201, "60")
    assert headers["Location"].startswith(f"{URL}/message/")
    assert sender.waiting() == [b"hello"]


def test_post_says_the_ttl_that_it_keeps(sender: Sender) -> None:  # W-9
    assert dict(sender.post(ttl="99999999").headers)["TTL"] == str(30 * 86400)


@pytest.mark.parametrize("aud", [URL, TLS])
def test_post_accepts_our_own_origins(sender: Sender, aud: str) -> None:  # W-9
    assert sender.post(aud=aud).status == 201


@pytest.mark.parametrize("aud", [URL, *GOOGLE])
def test_post_accepts_googles_origins_for_chromium(service: Service, aud: str) -> None:  # W-9
    assert Sender(service, service.hub.check_in()).post(aud=aud).status == 201


def test_post_refuses_googles_origin_for_firefox(sender: Sender) -> None:  # W-9
    assert errno(sender.post(aud=GOOGLE[0])) == (401, 109)


def test_post_asks_for_no_signature_without_a_key(service: Service) -> None:  # W-9
    sender = Sender(service, service.firefox(), key=None)
    assert sender.post(leave_out="authorization").status == 201


def test_post_is_noted_with_the_claims_and_the_ciphertext(sender: Sender) -> None:  # W-11
    sender.post(b"\x00\x01")
    (event,) = sender.service.events("message.accepted")
    assert event.detail["vapid"]["aud"] == (URL,)
    assert event.detail["ciphertext"] == "AAE"


def test_post_is_noted_with_its_headers_and_no_whole_signature(sender: Sender) -> None:  # W-11
    exp = int(sender.service.clock.now) + 60
    sent = KEY.authorization(aud=URL, exp=exp)
    for authorization in (sent, sent.replace("vapid t=", "WebPush "), "Bearer a-secret-of-others"):
        sender.post(authorization=authorization)
    token = sent.removeprefix("vapid t=").split(",")[0]
    events = sender.service.events("message.")
    assert events[0].detail["status"] == 201
    assert events[0].detail["headers"]["ttl"] == "60"
    for event in events:
        assert token.rpartition(".")[2][8:] not in str(event.as_json())
        assert "secret" not in str(event.as_json())
    assert token.rpartition(".")[0] in events[0].detail["headers"]["authorization"]


def test_refused_post_is_noted_with_its_bytes_unless_too_many(sender: Sender) -> None:  # W-11
    sender.post(b"\x00\x01", leave_out="ttl")
    sender.post(bytes(5000))
    first, second = sender.service.events("message.refused")
    assert (first.detail["ciphertext"], second.detail["ciphertext"]) == ("AAE", None)


# -- refused


def test_post_to_an_unknown_endpoint_is_404(sender: Sender) -> None:  # W-9
    assert errno(sender.post(token="lab_nobody")) == (404, 102)
    assert errno(sender.post(token="")) == (404, 102)
    assert errno(sender.post(token="x" * 5000)) == (404, 102)


def test_post_to_an_ended_subscription_is_410(sender: Sender) -> None:  # W-9
    sender.service.hub.unsubscribe(sender.agent, "channel", 200)
    response = sender.post()
    assert errno(response) == (410, 106)
    assert dict(response.headers)["Cache-Control"] == "max-age=86400"
    assert errno(sender.post(leave_out="authorization")) == (410, 106)


def test_post_without_ttl_is_400(sender: Sender) -> None:  # W-9
    assert errno(sender.post(leave_out="ttl")) == (400, 111)


@pytest.mark.parametrize("body", [bytes(4097), None])
def test_post_of_a_large_body_is_413(sender: Sender, body: bytes | None) -> None:  # W-8
    assert errno(sender.post(body)) == (413, 104)


def test_post_of_a_full_body_is_accepted(sender: Sender) -> None:  # W-8
    assert sender.post(bytes(4096)).status == 201


def test_post_without_signature_is_401(sender: Sender) -> None:  # W-9
    response = sender.post(leave_out="authorization")
    assert errno(response) == (401, 109)
    assert dict(response.headers)["WWW-Authenticate"] == "vapid"


def test_post_signed_with_another_key_is_401(sender: Sender) -> None:  # W-9
    exp = int(sender.service.clock.now) + 60
    assert errno(sender.post(authorization=SenderKey().authorization(aud=URL, exp=exp))) == (
        401,
        109,
    )


def test_post_signed_for_another_origin_is_401(sender: Sender) -> None:  # W-9
    assert errno(sender.post(aud="https://push.example")) == (401, 109)


def test_post_signed_long_ago_is_401(sender: Sender) -> None:  # W-9
    exp = int(sender.service.clock.now) - 1
    assert errno(sender.post(authorization=KEY.authorization(aud=URL, exp=exp))) == (401, 109)


@pytest.mark.parametrize("leave_out", ["ttl", "authorization", "content-encoding"])
def test_refused_messages_are_not_stored_but_noted(sender: Sender, leave_out: str) -> None:  # W-9
    response = sender.post(leave_out=leave_out)
    assert sender.waiting() == []
    (event,) = sender.service.events("message")
    assert (event.kind, event.detail["status"]) == ("message.refused", response.status)
    assert event.token == sender.subscription.token


# -- limits


def limited(service: Service, **limits: int) -> Sender:
    """A sender to a push service with these limits."""
    small = Service(service.database, service.clock, limits=Limits(**limits))
    return Sender(small, service.firefox())


def test_body_limit_can_be_raised(service: Service) -> None:  # W-8
    sender = limited(service, max_body=5000)
    assert sender.post(bytes(5000)).status == 201
    assert errno(sender.post(bytes(5001))) == (413, 104)


def test_too_fast_a_subscription_is_429_until_the_time_it_says(service: Service) -> None:  # W-9
    sender = limited(service, subscription_rate=2)
    assert [sender.post().status for _ in range(2)] == [201, 201]
    refused = sender.post()
    assert errno(refused) == (429, 201)
    assert dict(refused.headers)["Retry-After"] == "30"
    service.clock.now += 30
    assert [sender.post().status for _ in range(2)] == [201, 429]
    assert len(sender.waiting()) == 3


def test_too_fast_a_sender_is_429_for_all_of_its_subscriptions(service: Service) -> None:  # W-9
    sender = limited(service, sender_rate=2)
    another = sender.service.hub.subscribe(sender.agent, "x", sender="key", key=KEY.public)
    posts = [sender.post().status, sender.post(token=another.token).status, sender.post().status]
    assert posts == [201, 201, 429]


def test_what_is_wrongly_signed_uses_up_nobodys_rate(service: Service) -> None:  # W-9
    sender = limited(service, subscription_rate=1, sender_rate=1)
    assert [sender.post(leave_out="authorization").status for _ in range(3)] == [401] * 3
    assert sender.post().status == 201


def test_full_subscription_is_429_and_keeps_what_it_accepted(service: Service) -> None:  # W-9
    sender = limited(service, subscription_messages=2)
    assert [sender.post(body).status for body in (b"1", b"2")] == [201, 201]
    refused = sender.post(b"3")
    assert errno(refused) == (429, 201)
    assert int(dict(refused.headers)["Retry-After"]) > 0
    assert "2 messages" in json.loads(refused.body)["message"]
    assert sender.waiting() == [b"1", b"2"]


def test_full_service_is_503(service: Service) -> None:  # W-9
    sender = limited(service, messages=1)
    assert [sender.post().status, sender.post().status] == [201, 503]


# -- dialects


def test_fcm_refuses_another_key_with_403_and_text(service: Service) -> None:  # W-9
    sender = Sender(service, service.firefox(), dialect=FCM)
    exp = int(service.clock.now) + 60
    refused = sender.post(authorization=SenderKey().authorization(aud=URL, exp=exp))
    assert refused.status == 403
    assert refused.body.startswith(b"the VAPID credentials in the authorization header do not")
    assert service.events("message.refused")[0].detail["status"] == 403


def test_fcm_holds_for_28_days_at_most(service: Service) -> None:  # W-9
    sender = Sender(service, service.firefox(), dialect=FCM)
    assert dict(sender.post(ttl="99999999").headers)["TTL"] == str(28 * 86400)


def apple(service: Service, sub: str | None, **more: object) -> tuple[int, str]:
    """What Apple's dialect says to a JWT with this subject; "" when it accepts."""
    sender = Sender(service, service.firefox(), dialect=APPLE)
    claims = {"aud": URL, "exp": int(service.clock.now) + 3600, "sub": sub} | more
    answer = sender.post(authorization=KEY.authorization(**claims))
    return answer.status, json.loads(answer.body)["reason"] if answer.body else ""


@pytest.mark.parametrize("sub", ["mailto:someone@example.com", "https://example.com/contact"])
def test_apple_accepts_a_subject_that_leads_to_somebody(service: Service, sub: str) -> None:
    # W-9
    assert apple(service, sub) == (201, "")


@pytest.mark.parametrize(
    "sub",
    [
        None,
        "",
        "someone@example.com",
        "mailto:",
        "mailto: <someone@example.com>",
        "mailto:someone@localhost",
        "mailto:someone@app.localhost",
        "https://localhost:8000/",
        "http://example.com",
        "https://",
    ],
)
def test_apple_refuses_other_subjects(service: Service, sub: str | None) -> None:  # W-9
    assert apple(service, sub) == (403, "BadJwtToken")


def test_apple_refuses_a_second_more_than_a_day(service: Service) -> None:  # W-9
    a_day = int(service.clock.now) + 86400
    assert apple(service, "mailto:a@example.com", exp=a_day) == (201, "")
    assert apple(service, "mailto:a@example.com", exp=a_day + 1) == (403, "BadJwtToken")
    assert apple(service, "mailto:a@example.com", aud="https://x.example") == (403, "BadJwtToken")


@pytest.mark.parametrize(("topic", "status"), [("news", 201), ("score", 400)])
def test_apple_decodes_topics(service: Service, topic: str, status: int) -> None:  # W-9
    sender = Sender(service, service.firefox(), dialect=APPLE)
    exp = int(service.clock.now) + 60
    signed = KEY.authorization(aud=URL, exp=exp, sub="mailto:a@example.com")
    assert sender.post(topic=topic, authorization=signed).status == status


def test_fault_has_the_status_it_says_in_every_dialect(service: Service) -> None:  # W-12
    sender = Sender(service, service.firefox(), dialect=APPLE)
    service.faults.arm("lab", Fault("accept", times=1, status=401))
    answer = sender.post()
    assert (answer.status, json.loads(answer.body)) == (401, {"reason": "BadJwtToken"})


# -- taken back


def test_delete_of_the_location_cancels(sender: Sender) -> None:  # W-9
    location = dict(sender.post().headers)["Location"].removeprefix(URL)
    assert sender.ask(Request("DELETE", location)).status == 204
    assert errno(sender.ask(Request("DELETE", location))) == (404, 102)
    assert sender.waiting() == []


def test_delete_of_nothing_is_404(sender: Sender) -> None:  # W-9
    assert errno(sender.ask(Request("DELETE", "/message/"))) == (404, 102)


# -- browsers as senders


def test_every_answer_is_open_to_all_origins(sender: Sender) -> None:
    answers = [
        sender.post(),
        sender.post(leave_out="ttl"),
        sender.ask(Request("OPTIONS", "/push/x")),
        sender.ask(Request("DELETE", "/message/x")),
    ]
    for answer in answers:
        assert dict(answer.headers)["Access-Control-Allow-Origin"] == "*"


def test_other_methods_are_refused(sender: Sender) -> None:  # W-9
    assert sender.ask(Request("GET", "/push/x")).status == 405
    assert sender.ask(Request("GET", "/message/x")).status == 405
    assert sender.ask(Request("POST", "/elsewhere")).status == 404
    assert sender.ask(Request("POST", "/push/a/b")).status == 404


# -- faults


def test_accept_fault_refuses_a_number_of_times(sender: Sender) -> None:  # W-12
    sender.service.faults.arm("lab", Fault("accept", times=2, status=429, retry_after=7))
    first, second, third = sender.post(), sender.post(), sender.post()
    assert [first.status, second.status, third.status] == [429, 429, 201]
    assert dict(first.headers)["Retry-After"] == "7"
    assert sender.service.events("message.refused")[0].detail["injected"] is True


def test_delay_fault_stores_at_once_and_answers_late(sender: Sender) -> None:  # W-12
    sender.service.faults.arm("lab", Fault("delay", times=1, seconds=30))
    assert [sender.post().status, sender.post().status] == [201, 201]
    assert sender.slept == [30]
    assert len(sender.waiting()) == 2


@pytest.mark.parametrize("stored", [False, True])
def test_drop_fault_hangs_up_before_or_after_storing(sender: Sender, stored: bool) -> None:  # W-12
    sender.service.faults.arm("lab", Fault("drop", times=1, stored=stored))
    assert isinstance(sender.router.answer(sender.build_request()), Takeover)
    assert len(sender.waiting()) == stored
    (event,) = sender.service.events("message.dropped")
    assert event.detail == {"stored": stored}


def test_accept_fault_of_one_run_leaves_others_alone(service: Service) -> None:  # W-12
    one, other = Sender(service, service.firefox()), Sender(service, service.firefox())
    tokens = frozenset([one.subscription.token])
    service.faults.arm("run:1", Fault("accept", tokens=tokens))
    assert [one.post().status, other.post().status, one.post().status] == [503, 201, 503]


def test_subscription_that_ends_under_way_is_410(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:  # W-9
    def stale(_token: str) -> Subscription:
        return sender.subscription

    sender.service.hub.unsubscribe(sender.agent, "channel", 200)
    monkeypatch.setattr(sender.service.hub, "subscription", stale)
    assert errno(sender.post()) == (410, 106)
