"""The cryptography that the codelab's pages do by hand, against the RFCs' own examples and our own
sender and signer."""

from typing import Any

from tests.client.node import needs_node, run
from tests.sending.test_vectors import (
    AUTH,
    BODY,
    CLAIMS,
    PLAINTEXT,
    RECEIVER,
    RECEIVER_PRIVATE,
    RFC_KEY,
    TOKEN,
    unpack,
)

pytestmark = needs_node

#: RFC 8291 appendix A, by the id of our step.
INTERMEDIATE = {
    "shared-secret": "kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs",
    "prk-key": "Snr3JMxaHVDXHWJn5wdC52WjpCtd2EIEGBykDcZW32k",
    "key-info": (
        "V2ViUHVzaDogaW5mbwAEJXGyvs3942BVGq8e0PTNNmwRzr5VX4m8t7GGpTM5FzFo7OLr4BhZe9MEebhuPI-OztV3"
        "ylkYfpJGmQ22ggCLDgT-M_SrDepxkU21WCP3O1SUj0EwbZIHMtu5pZpTKGSCIA5Zent7wmC6HCJ5mFgJkuk5cwAv"
        "MBKiiujwa7t45ewP"
    ),
    "ikm": "S4lYMb_L0FxCeq0WhDx813KgSYqU26kOyzWUdsXYyrg",
    "prk": "09_eUZGrsvxChDCGRCdkLiDXrReGOEVeSCdCcPBSJSc",
    "cek": "oIhVW04MRdy2XN9CiKLxTg",
    "nonce": "4h_95klXJ5E_qnoN",
}

#: `given`: body, public key, private scalar and secret of the receiver, and all that is flipped.
DECRYPT = """Promise.all(given.flips.map(async (flip) => {
  const bytes = (text) => new Uint8Array(Buffer.from(text, "base64url"));
  const text = (value) => Buffer.from(value).toString("base64url");
  const [body, publicKey, auth] = [given.body, given.public, given.auth].map(bytes);
  const [x, y] = [publicKey.slice(1, 33), publicKey.slice(33)].map(text);
  const jwk = { kty: "EC", crv: "P-256", x, y, d: given.private };
  const curve = { name: "ECDH", namedCurve: "P-256" };
  const privateKey = await crypto.subtle.importKey("jwk", jwk, curve, false, ["deriveBits"]);
  if (flip) ({ body, auth, publicKey })[flip[0]][flip[1]] ^= flip[2];
  const { steps, failure } = await decrypt(body, { privateKey, publicKey, auth });
  const told = Object.fromEntries(steps.map(({ id, bytes: value }) => [id, text(value)]));
  return { steps: told, failure, parts: partsOf(body) };
}))"""

#: What is flipped, the step at which that shows, and what came out differently until then.
LATE = ["ikm", "prk", "cek", "nonce"]
CASES: list[tuple[tuple[str, int, int], str, list[str]]] = [
    (("body", 0, 16), "record", ["salt", "prk", "cek", "nonce"]),
    (("body", 18, 16), "record-size", []),  # the size is 0 then
    (("body", 20, 16), "key-id", []),  # its length
    (("body", 21, 16), "shared-secret", ["key-id"]),  # the point's first byte
    (("body", 40, 16), "shared-secret", ["key-id"]),  # its x
    (("body", 86, 16), "record", []),  # the ciphertext
    (("body", 143, 16), "record", []),  # the tag
    (("auth", 3, 1), "record", ["prk-key", *LATE]),
    (("publicKey", 9, 1), "record", ["key-info", *LATE]),
]
#: A larger record size: not authenticated, and the last record may be shorter (RFC 8188 section 2).
HARMLESS = ("body", 19, 1)


def decrypt(*flips: tuple[str, int, int] | None) -> list[Any]:
    """The example of the RFC, with one byte flipped or none, each time."""
    example = {"body": BODY, "public": RECEIVER, "private": RECEIVER_PRIVATE, "auth": AUTH}
    found: list[Any] = run("codelab/bonnet/rfc8291.js", DECRYPT, example | {"flips": flips})
    return found


# W-8
def test_example_of_rfc_8291_is_decrypted_step_by_step() -> None:
    (found,) = decrypt(None)
    assert found["failure"] is None
    assert unpack(found["steps"]["plaintext"]) == PLAINTEXT
    assert unpack(found["steps"]["delimiter"]) == b"\x02"
    assert INTERMEDIATE.items() <= found["steps"].items()
    assert [part["end"] for part in found["parts"]] == [16, 20, 21, 86, 128, 144]


# W-8
def test_changed_byte_fails_where_it_must() -> None:
    right, harmless, *broken = decrypt(None, HARMLESS, *(flip for flip, _, _ in CASES))
    assert harmless["failure"] is None
    assert unpack(harmless["steps"]["plaintext"]) == PLAINTEXT
    for found, (flip, at, changed) in zip(broken, CASES, strict=True):
        assert found["failure"]["at"] == at, flip
        assert at not in found["steps"]
        steps = found["steps"].items()
        assert [name for name, value in steps if value != right["steps"][name]] == changed, flip


# -- the token

CHECK = """Promise.all(given.map(({ token, key, audience, now }) =>
  check(token, { publicKey: decode(key), audience, now })))"""
RIGHT = {"token": TOKEN, "key": RFC_KEY, "audience": CLAIMS["aud"], "now": CLAIMS["exp"] - 3600}
#: What is changed, and the checks that it fails by.
MISTAKES: list[tuple[dict[str, Any], set[str]]] = [
    ({}, set()),
    ({"audience": "https://push.example.org"}, {"aud"}),
    ({"now": CLAIMS["exp"]}, {"exp"}),
    ({"now": CLAIMS["exp"] - 90_000}, {"exp"}),
    ({"key": RECEIVER}, {"signature"}),
    ({"key": "AAAA"}, {"signature"}),
    ({"token": TOKEN[:-3]}, {"signature"}),
    ({"token": TOKEN[:-40] + "A" + TOKEN[-39:]}, {"signature"}),
    ({"token": TOKEN.replace(".", "", 1)}, {"form", "signature"}),
    ({"token": "e" + TOKEN}, {"form", "signature"}),
]


# W-9
def test_token_of_rfc_8292_fails_the_checks_that_it_must() -> None:
    each = [RIGHT | changes for changes, _ in MISTAKES]
    for findings, (changes, failed) in zip(
        run("codelab/bonnet/token.js", CHECK, each), MISTAKES, strict=True
    ):
        assert {one["id"] for one in findings if one["ok"] is False} == failed, changes


BREAK = """given.names.map((name) => breakField(given.text, name, (json) =>
  isBad[name](json, { audience: given.audience, now: given.now })).text)"""


# W-9
def test_one_character_breaks_one_claim() -> None:
    header, claims, signature = TOKEN.split(".")
    names = ["aud", "exp", "sub"]
    broken = run("codelab/bonnet/token.js", BREAK, RIGHT | {"names": names, "text": claims})
    each = [RIGHT | {"token": f"{header}.{text}.{signature}"} for text in broken]
    for text, name, findings in zip(
        broken, names, run("codelab/bonnet/token.js", CHECK, each), strict=True
    ):
        assert sum(one != other for one, other in zip(text, claims, strict=True)) == 1
        failed = {one["id"] for one in findings if one["ok"] is False}
        assert failed == {"signature", name}
