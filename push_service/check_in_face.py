"""Chromium's check-in and registration as HTTP requests. Used by push_service.http_face.

What Chromium does with an answer decides which ones we may give. A check-in that is answered with
400 or 401 is repeated hundreds of times a second; with 500 it waits for half a minute. A
registration that fails keeps the page's subscribe() pending for a quarter of an hour, unless the
body names an error that Chromium takes as final.
"""

import logging
import time
from dataclasses import dataclass

from push_service.hub import Hub
from push_service.model import UserAgent
from push_service.wire import check_in, registration, vapid
from push_service.wire.check_in import Identity
from push_service.wire.registration import Registration

log = logging.getLogger(__name__)

FINAL = "INVALID_PARAMETERS"


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status: int
    body: bytes
    content_type: str = "text/plain"


class CheckInFace:
    """Answers `POST /checkin` and `POST /register`."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def check_in(self, body: bytes) -> Answer:
        """Give the device an identity, or its own one back."""
        try:
            claimed = check_in.parse_request(body)
        except check_in.MalformedCheckInError as error:
            return Answer(500, str(error).encode())
        agent = self._authenticate(claimed) or self._hub.check_in()
        identity = Identity(agent.android_id or 0, agent.security_token or 0)
        return Answer(200, check_in.build_response(identity, time.time()), check_in.CONTENT_TYPE)

    def register(self, authorization: str | None, body: bytes) -> Answer:
        """Make a subscription, or end one."""
        claimed = registration.parse_authorization(authorization)
        agent = self._authenticate(claimed)
        if agent is None:
            return Answer(401, registration.build_error("AUTHENTICATION_FAILED"))
        try:
            wanted = registration.parse_form(body)
        except registration.MalformedRegistrationError as error:
            log.warning("refused a registration: %s", error)
            return Answer(400, registration.build_error(FINAL))
        return self._register(agent, wanted)

    def _register(self, agent: UserAgent, wanted: Registration) -> Answer:
        if not wanted.is_web_push:
            return Answer(200, registration.build_token("unused"))
        if wanted.delete:
            self._hub.unsubscribe(agent, wanted.subtype, "unsubscribed")
            return Answer(200, registration.build_token("deleted"))
        try:
            key = vapid.public_key(wanted.sender)
        except ValueError as error:
            self._hub.subscription_refused(agent, wanted.subtype, str(error))
            return Answer(200, registration.build_error(FINAL))
        subscription = self._hub.subscribe(
            agent, wanted.subtype, sender=wanted.sender, key=key, app=wanted.app
        )
        return Answer(200, registration.build_token(subscription.token))

    def _authenticate(self, claimed: Identity | None) -> UserAgent | None:
        if claimed is None:
            return None
        return self._hub.mcs_agent(claimed.android_id, claimed.security_token)
