"""The vendors' refusals: every error of the catalogue has a body that its clients can read."""

import json

import pytest

from push_service.wire import errors
from push_service.wire.dialects import APPLE, DIALECTS, FCM, MOZILLA, Dialect
from push_service.wire.errors import Error, Refusal

CATALOGUE = [value for value in vars(errors).values() if isinstance(value, Error)]


@pytest.mark.parametrize("error", CATALOGUE, ids=lambda error: error.sentence[:30])
def test_every_refusal_can_be_said_in_every_dialect(error: Error) -> None:  # W-9
    for dialect in DIALECTS.values():
        said = dialect.render(Refusal(error))
        assert 400 <= said.status < 600
        assert said.body
        # A dialect changes the number within its class, and never "try again" into "never again".
        assert said.status // 100 == error.status // 100
        assert (said.status in (404, 410)) == (error.status in (404, 410))


def test_mozilla_says_code_errno_error_and_message() -> None:  # W-9
    said = MOZILLA.render(Refusal(errors.OTHER_KEY))
    content = json.loads(said.body)
    assert (said.status, content.pop("message")) == (401, errors.OTHER_KEY.sentence)
    assert content == {"code": 401, "errno": 109, "error": "Unauthorized"}


def test_apple_says_a_reason() -> None:  # W-9
    said = APPLE.render(Refusal(errors.BAD_SUBJECT))
    assert (said.status, json.loads(said.body)) == (403, {"reason": "BadJwtToken"})


def test_fcm_says_a_line_of_text() -> None:  # W-9
    said = FCM.render(Refusal(errors.ENDED))
    assert (said.status, said.body) == (410, b"push subscription has unsubscribed or expired.\n")
    assert said.content_type.startswith("text/plain")


@pytest.mark.parametrize(
    ("dialect", "missing", "wrong"), [(MOZILLA, 401, 401), (FCM, 401, 403), (APPLE, 403, 403)]
)
def test_signature_that_is_missing_or_wrong(  # W-9
    dialect: Dialect, missing: int, wrong: int
) -> None:
    assert dialect.render(Refusal(errors.AUTHORIZATION_MISSING)).status == missing
    for error in (errors.BAD_JWT, errors.EXPIRED_JWT, errors.LONG_JWT, errors.BAD_AUDIENCE):
        assert dialect.render(Refusal(error)).status == wrong
