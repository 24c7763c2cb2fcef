"""Check-in and registration: who gets which identity, what becomes a subscription."""

from collections.abc import Mapping
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push_service.check_in_face import CheckInFace
from push_service.limits import Limits
from push_service.web import Request, Response, Router
from push_service.wire import base64url, check_in, registration
from push_service.wire.check_in import Identity
from push_service.wire.check_in_pb2 import CheckInRequest, CheckInResponse
from tests.push_service.parts import Service

# A point of the curve: its generator.
KEY = base64url.encode(
    bytes.fromhex(
        "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
        "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
    )
)
SUBTYPE = "wp:https://example.com/#0B1C2D3E-V2"
SUBSCRIBE = {
    "app": "org.chromium.linux",
    "X-subtype": SUBTYPE,
    "device": "1",
    "sender": KEY,
    "scope": "GCM",
    "X-scope": "GCM",
    "gmsv": "156",
    "appid": "dkZHmmDnIXY",
}
UNSUBSCRIBE = SUBSCRIBE | {"sender": "*", "scope": "*", "X-scope": "*", "delete": "true"}
OWN = {"app": "com.google.android.gms", "device": "1", "sender": "745476177629"}

uint64 = st.integers(1, 2**64 - 1)


@pytest.fixture
def face(service: Service) -> Router:
    router = Router()
    CheckInFace(service.hub, service.clock).add_to(router)
    return router


def post(
    face: Router, path: str, body: bytes | None, headers: Mapping[str, str] | None = None
) -> Response:
    lists = {name: [value] for name, value in (headers or {}).items()}
    answer = face.answer(Request("POST", path, lists, body))
    assert isinstance(answer, Response)
    return answer


def check_in_as(face: Router, identity: Identity) -> Identity:
    signed = int.from_bytes(identity.android_id.to_bytes(8), signed=True)
    request = CheckInRequest(id=signed, security_token=identity.security_token, version=3)
    answer = post(face, "/checkin", request.SerializeToString())
    assert answer.status == 200
    assert ("Content-Type", "application/x-protobuf") in answer.headers
    response = CheckInResponse.FromString(answer.body)
    assert response.stats_ok
    return Identity(response.android_id, response.security_token)


def register(face: Router, identity: Identity, form: Mapping[str, str]) -> Response:
    return register_raw(face, identity, urlencode(form).encode())


def register_raw(face: Router, identity: Identity, body: bytes | None) -> Response:
    login = f"AidLogin {identity.android_id}:{identity.security_token}"
    return post(face, "/register", body, {"authorization": login})


NEW = Identity(0, 0)


# W-4
def test_new_device_gets_an_identity_of_its_own(face: Router) -> None:
    first, second = check_in_as(face, NEW), check_in_as(face, NEW)
    assert 0 not in (first.android_id, first.security_token)
    assert first.android_id != second.android_id
    assert first.security_token != second.security_token


# W-4
@pytest.mark.parametrize("android_id", [1001, 2**63 + 5, 2**64 - 1])
def test_device_keeps_its_identity(face: Router, android_id: int) -> None:
    identity = Identity(android_id, 2**64 - 7)
    assert check_in_as(face, identity) == identity
    assert check_in_as(face, identity) == identity


# W-9
def test_device_with_the_wrong_token_becomes_another(face: Router) -> None:
    identity = check_in_as(face, NEW)
    thief = Identity(identity.android_id, identity.security_token ^ 1)
    assert check_in_as(face, thief).android_id != identity.android_id


# W-9: 400 or 401 would make Chromium check in hundreds of times a second
@pytest.mark.parametrize("body", [b"\xff", b"\x10", b"GET / HTTP/1.1", None])
def test_malformed_check_in_is_answered_with_500(face: Router, body: bytes | None) -> None:
    assert post(face, "/checkin", body).status == 500


# W-9
@given(st.binary(max_size=500))
def test_any_check_in_is_read_or_refused(body: bytes) -> None:
    try:
        identity = check_in.parse_request(body)
    except check_in.MalformedCheckInError:
        return
    assert 0 <= identity.android_id < 2**64


# W-9
@given(uint64, uint64)
def test_identity_survives_the_wire(android_id: int, security_token: int) -> None:
    response = CheckInResponse.FromString(
        check_in.build_response(Identity(android_id, security_token), 1.5)
    )
    assert (response.android_id, response.security_token) == (android_id, security_token)
    assert response.time_msec == 1500


# W-4
def test_registration_makes_a_subscription(service: Service, face: Router) -> None:
    answer = register(face, check_in_as(face, NEW), SUBSCRIBE)
    assert answer.status == 200
    subscription = service.hub.subscription(answer.body.decode().removeprefix("token="))
    assert subscription is not None
    assert subscription.channel == SUBTYPE
    assert subscription.app == "org.chromium.linux"
    assert subscription.sender == KEY
    assert subscription.key == base64url.decode(KEY)


# W-4
def test_each_subscription_has_a_token_of_its_own(face: Router) -> None:
    identity = check_in_as(face, NEW)
    tokens = {
        register(face, identity, SUBSCRIBE | {"X-subtype": f"wp:https://example.com/#{n}-V2"}).body
        for n in range(5)
    }
    assert len(tokens) == 5


# W-9
def test_delete_ends_the_subscription(service: Service, face: Router) -> None:
    identity = check_in_as(face, NEW)
    token = register(face, identity, SUBSCRIBE).body.decode().removeprefix("token=")
    answer = register(face, identity, UNSUBSCRIBE)
    assert (answer.status, answer.body[:6]) == (200, b"token=")
    subscription = service.hub.subscription(token)
    assert subscription is not None
    assert subscription.ended


# W-9
def test_delete_of_what_is_gone_is_answered_all_the_same(face: Router) -> None:
    answer = register(face, check_in_as(face, NEW), UNSUBSCRIBE)
    assert (answer.status, answer.body[:6]) == (200, b"token=")


# W-9
def test_stranger_cannot_end_a_subscription(service: Service, face: Router) -> None:
    token = register(face, check_in_as(face, NEW), SUBSCRIBE).body.decode()
    register(face, check_in_as(face, NEW), UNSUBSCRIBE)
    subscription = service.hub.subscription(token.removeprefix("token="))
    assert subscription is not None
    assert not subscription.ended


# W-4
def test_browsers_own_registration_is_no_subscription(service: Service, face: Router) -> None:
    answer = register(face, check_in_as(face, NEW), OWN)
    assert (answer.status, answer.body[:6]) == (200, b"token=")
    assert service.events("subscription.created") == []


# W-4
@pytest.mark.parametrize(
    "sender",
    ["*", "745476177629", KEY[:-4], KEY + "AAAA", KEY.replace("B", "A", 1), "B" * 87, "Bä" + KEY],
)
def test_malformed_key_is_refused_at_once_and_told(
    service: Service, face: Router, sender: str
) -> None:
    answer = register(face, check_in_as(face, NEW), SUBSCRIBE | {"sender": sender})
    assert (answer.status, answer.body) == (200, b"Error=INVALID_PARAMETERS")
    assert len(service.events("subscription.refused")) == 1
    assert service.events("subscription.created") == []


# W-9
@pytest.mark.parametrize("change", [1, 0])
def test_registration_with_a_wrong_token_is_refused(face: Router, change: int) -> None:
    identity = check_in_as(face, NEW)
    claimed = Identity(identity.android_id, (identity.security_token ^ 1) * change)
    answer = register(face, claimed, SUBSCRIBE)
    assert (answer.status, answer.body) == (401, b"Error=AUTHENTICATION_FAILED")


# W-9
@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "AidLogin",
        "AidLogin 1",
        "AidLogin 1:",
        "AidLogin 0:1",
        "AidLogin 1:0",
        "AidLogin -1:1",
        "AidLogin ²:1",
        "AidLogin 1:1\n",
        "Bearer 1:1",
        f"AidLogin {2**64}:1",
        f"AidLogin 1:{'9' * 5000}",
    ],
)
def test_hostile_authorization_is_nobodys(header: str | None) -> None:
    assert registration.parse_authorization(header) is None


# W-9
@pytest.mark.parametrize(
    "body",
    [
        None,
        b"",
        b"app=a",
        b"sender=b",
        b"app=&sender=b",
        b"app=%ff&sender=b",
        b"app=\xff&sender=b",
        b"app=a%00&sender=b",
        b"app=a&sender=b&X-subtype=%0d%0a",
        b"app=a&sender=" + b"b" * 3000,
        b"app=a&sender=b&" + b"&".join(b"x%d=1" % n for n in range(100)),
        b"app=a&sender=b&x=" + b"y" * 20_000,
    ],
)
def test_malformed_form_is_refused_at_once(face: Router, body: bytes | None) -> None:
    answer = register_raw(face, check_in_as(face, NEW), body)
    assert (answer.status, answer.body) == (400, b"Error=INVALID_PARAMETERS")


# W-9
@given(st.binary(max_size=300))
def test_any_form_is_read_or_refused(body: bytes) -> None:
    try:
        parsed = registration.parse_form(body)
    except registration.MalformedRegistrationError:
        return
    assert parsed.app
    assert parsed.sender


VISIBLE = st.characters(exclude_categories=["C", "Z"])


# W-9
@given(st.text(VISIBLE, max_size=100), st.text(VISIBLE, min_size=1, max_size=100))
def test_form_is_decoded(subtype: str, sender: str) -> None:
    form = urlencode({"app": "a", "X-subtype": subtype, "sender": sender}).encode()
    parsed = registration.parse_form(form)
    assert (parsed.subtype, parsed.sender, parsed.delete) == (subtype, sender, False)


# -- quotas


def small(service: Service, **limits: int) -> Router:
    router = Router()
    hub = Service(service.database, service.clock, limits=Limits(**limits)).hub
    CheckInFace(hub, service.clock).add_to(router)
    return router


def test_registration_beyond_the_quota_fails_at_once(service: Service) -> None:  # W-4
    face = small(service, device_subscriptions=1)
    identity = check_in_as(face, Identity(0, 0))
    assert register(face, identity, SUBSCRIBE).body.startswith(b"token=")
    another = SUBSCRIBE | {"X-subtype": "wp:http://x/#another-V2"}
    answer = register(face, identity, another)
    assert (answer.status, answer.body) == (200, b"Error=TOO_MANY_REGISTRATIONS")


def test_check_in_beyond_the_quota_is_to_be_tried_again_later(service: Service) -> None:  # W-4
    face = small(service, devices=1)
    identity = check_in_as(face, Identity(0, 0))
    assert post(face, "/checkin", CheckInRequest(version=3).SerializeToString()).status == 503
    assert check_in_as(face, identity) == identity
