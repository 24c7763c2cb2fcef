"""RFC 8292: who may send, and who may not."""

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from push_service.wire.base64url import decode, encode
from push_service.wire.errors import Refusal
from push_service.wire.vapid import CLOCK_SLACK, MAX_AHEAD, Claims, Verifier, public_key
from tests.push_service.vapid_keys import SenderKey

NOW = 1_800_000_000
ORIGIN = "https://push.example"
KEY = SenderKey()
OTHER = SenderKey()

# RFC 8292 §2.4
RFC_JWT = (
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0"
    "NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0.i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCG"
    "SK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA"
)
RFC_KEY = "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs"


def verify(authorization: str | None, crypto_key: str | None = None, **more: object) -> Claims:
    parameters = {"key": KEY.public, "audiences": [ORIGIN], "now": NOW, **more}
    return Verifier().verify(authorization, crypto_key, **parameters)  # type: ignore[arg-type]


def why(authorization: str | None, **more: object) -> str:
    with pytest.raises(Refusal) as caught:
        verify(authorization, **more)  # type: ignore[arg-type]
    assert (caught.value.error.status, caught.value.error.errno) == (401, 109)
    return caught.value.why


def signed(**claims: object) -> str:
    return KEY.authorization(**{"aud": ORIGIN, "exp": NOW + 3600, **claims})


def test_verify_accepts_the_example_of_the_rfc() -> None:  # W-9
    claims = verify(
        f"vapid t={RFC_JWT}, k={RFC_KEY}",
        key=decode(RFC_KEY),
        audiences=["https://push.example.net"],
        now=1453523768 - 3600,
    )
    assert claims.sub == "mailto:push@example.com"


@pytest.mark.parametrize("scheme", ["vapid", "VAPID", "Vapid"])
def test_verify_ignores_the_case_of_the_scheme(scheme: str) -> None:  # W-9
    verify(signed().replace("vapid", scheme))


def test_verify_takes_parameters_in_any_order_and_padding() -> None:  # W-9
    jwt = KEY.jwt({"aud": ORIGIN, "exp": NOW + 1})
    padded = urlsafe_b64encode(KEY.public).decode()
    verify(f"vapid k={padded} , t={jwt}")


@pytest.mark.parametrize("scheme", ["WebPush", "Bearer"])
def test_verify_accepts_the_drafts(scheme: str) -> None:  # W-9
    jwt = KEY.jwt({"aud": ORIGIN, "exp": NOW + 1})
    verify(f"{scheme} {jwt}", f"dh=abc;p256ecdsa={encode(KEY.public)}")


@pytest.mark.parametrize("aud", [ORIGIN, ORIGIN + "/", [ORIGIN], ["https://other", ORIGIN]])
def test_verify_accepts_the_origin_as_audience(aud: object) -> None:  # W-9
    verify(signed(aud=aud))


@pytest.mark.parametrize(
    "aud", ["https://other", "http://push.example", ORIGIN + ":444", "", [], 7, None, [7], {}]
)
def test_verify_refuses_another_audience(aud: object) -> None:  # W-9
    assert "'aud'" in why(signed(aud=aud))


@pytest.mark.parametrize("exp", [NOW + 1, NOW + MAX_AHEAD, NOW + MAX_AHEAD + CLOCK_SLACK])
def test_verify_accepts_exp_within_a_day(exp: int) -> None:  # W-9
    assert verify(signed(exp=exp)).exp == exp


@pytest.mark.parametrize(
    "exp",
    [NOW, NOW - 1, 0, -1, NOW + MAX_AHEAD + CLOCK_SLACK + 1, 10**400, None, "soon", True, 1.5e9],
)
def test_verify_refuses_other_exp(exp: object) -> None:  # W-9
    assert "exp" in why(signed(exp=exp))


def test_verify_judges_time_anew_for_what_it_remembers() -> None:  # W-9
    verifier, text = Verifier(), signed(exp=NOW + 10)
    verifier.verify(text, None, key=KEY.public, audiences=[ORIGIN], now=NOW)
    with pytest.raises(Refusal):
        verifier.verify(text, None, key=KEY.public, audiences=[ORIGIN], now=NOW + 10)
    with pytest.raises(Refusal):
        verifier.verify(text, None, key=KEY.public, audiences=["https://x"], now=NOW)
    with pytest.raises(Refusal):
        verifier.verify(text, None, key=OTHER.public, audiences=[ORIGIN], now=NOW)


def test_verify_refuses_the_key_of_another_subscription() -> None:  # W-9
    assert "another key" in why(signed(), key=OTHER.public)


def test_verify_refuses_a_signature_by_another_key() -> None:  # W-9
    jwt = OTHER.jwt({"aud": ORIGIN, "exp": NOW + 1})
    assert "no pair" in why(f"vapid t={jwt},k={encode(KEY.public)}")


def test_verify_refuses_changed_claims() -> None:  # W-9
    header, _, signature = KEY.jwt({"aud": ORIGIN, "exp": NOW + 1}).split(".")
    claims = KEY.jwt({"aud": ORIGIN, "exp": NOW + 2}).split(".")[1]
    assert "no pair" in why(f"vapid t={header}.{claims}.{signature},k={encode(KEY.public)}")


@pytest.mark.parametrize("alg", ["none", "HS256", "es256", None, 1])
def test_verify_refuses_other_algorithms(alg: object) -> None:  # W-9
    jwt = KEY.jwt({"aud": ORIGIN, "exp": NOW + 1}, {"typ": "JWT", "alg": alg})
    assert "ES256" in why(f"vapid t={jwt},k={encode(KEY.public)}")


def test_verify_says_what_is_missing() -> None:  # W-9
    assert "missing" in why(None)
    assert "scheme" in why("Basic abc")
    assert "public key" in why(f"vapid t={RFC_JWT}")
    assert "JWT" in why(f"vapid k={RFC_KEY}")


def test_verify_refuses_every_truncation() -> None:  # W-9
    text = signed()
    for end in range(len(text)):
        why(text[:end])


@pytest.mark.parametrize("claims", [[], "text", 7, None])
def test_verify_refuses_claims_that_are_no_object(claims: object) -> None:  # W-9
    why(f"vapid t={KEY.jwt(claims)},k={encode(KEY.public)}")


def test_verify_survives_deep_json() -> None:  # W-9
    deep = encode(b'{"alg":' + b"[" * 100_000)
    assert "JSON" in why(f"vapid t={deep}.e30.{encode(bytes(64))},k={encode(KEY.public)}")


def test_verify_refuses_letters_beyond_ascii() -> None:  # W-9
    assert "no pair" in why(signed().replace(".", ".\x80", 1))


@given(st.text())
def test_verify_refuses_garbage(text: str) -> None:  # W-9
    why(text)
    why(f"vapid t={text},k={encode(KEY.public)}")
    why(f"vapid t={RFC_JWT},k={text}")


# -- public keys (step 4)


@pytest.mark.parametrize("text", [RFC_KEY, RFC_KEY + "="])
def test_public_key_takes_both_browsers_forms(text: str) -> None:  # W-4
    assert public_key(text) == decode(RFC_KEY)


def test_public_key_refuses_a_point_off_the_curve() -> None:  # W-4
    off = KEY.public[:-1] + bytes([KEY.public[-1] ^ 1])
    with pytest.raises(ValueError, match="curve"):
        public_key(encode(off))


@pytest.mark.parametrize(
    "octets",
    [b"", b"\x04", KEY.public[:-1], KEY.public + b"\0", b"\x02" + KEY.public[1:], bytes(65)],
    ids=["empty", "prefix", "short", "long", "compressed", "zeros"],  # the same in every process
)
def test_public_key_refuses_other_shapes(octets: bytes) -> None:  # W-4
    with pytest.raises(ValueError, match="application server key"):
        public_key(encode(octets))


@given(st.text())
def test_public_key_refuses_garbage_with_a_sentence(text: str) -> None:  # W-4
    with pytest.raises(ValueError, match="application server key"):
        public_key(text)


@given(st.binary())
def test_base64url_reads_what_it_writes(octets: bytes) -> None:  # W-4
    assert decode(encode(octets)) == octets
    assert decode(urlsafe_b64encode(octets).decode()) == octets


@pytest.mark.parametrize("text", ["a", "abcde", "a+b/", "a b", "é", "a=b", "ab\n"])
def test_base64url_refuses_everything_else(text: str) -> None:  # W-4
    with pytest.raises(ValueError, match="base64url"):
        decode(text)
