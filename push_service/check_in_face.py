"""Chromium's check-in and registration: handlers for http_face's router.

What Chromium does with an answer decides which ones we may give. A check-in that is answered with
400 or 401 is repeated hundreds of times a second; with 500 it waits for half a minute. A
registration that fails keeps the page's subscribe() pending for a quarter of an hour, unless the
body names an error that Chromium takes as final.
"""

import logging
import time
from collections.abc import Callable

from push_service.hub import Hub
from push_service.model import FullError, UserAgent
from push_service.web import Request, Response, Router
from push_service.wire import check_in, registration, vapid
from push_service.wire.check_in import Identity
from push_service.wire.registration import Registration

log = logging.getLogger(__name__)

FINAL = "INVALID_PARAMETERS"
TOO_MANY = "TOO_MANY_REGISTRATIONS"


class CheckInFace:
    """Answers `POST /checkin` and `POST /register`."""

    def __init__(self, hub: Hub, clock: Callable[[], float] = time.time) -> None:
        self._hub = hub
        self._clock = clock

    def add_to(self, router: Router) -> None:
        router.add("POST", "/checkin", self.check_in)
        router.add("POST", "/register", self.register)

    def check_in(self, request: Request) -> Response:
        """Give the device an identity, or its own one back."""
        try:
            claimed = check_in.parse_request(request.content)
        except check_in.MalformedCheckInError as error:
            log.warning("refused a check-in: %s", error)
            return _text(500, str(error).encode())
        try:
            agent = self._authenticate(claimed) or self._hub.check_in()
        except FullError as error:
            log.warning("refused a check-in: %s", error)
            return _text(503, str(error).encode())
        identity = Identity(agent.android_id or 0, agent.security_token or 0)
        body = check_in.build_response(identity, self._clock())
        return Response(200, body, [("Content-Type", check_in.CONTENT_TYPE)])

    def register(self, request: Request) -> Response:
        """Make a subscription, or end one."""
        claimed = registration.parse_authorization(request.header("authorization"))
        try:
            agent = self._authenticate(claimed)
            if agent is None:
                return _text(401, registration.build_error("AUTHENTICATION_FAILED"))
            return self._register(agent, registration.parse_form(request.content))
        except registration.MalformedRegistrationError as error:
            log.warning("refused a registration: %s", error)
            return _text(400, registration.build_error(FINAL))
        except FullError as error:
            log.warning("refused a registration: %s", error)
            return _text(200, registration.build_error(TOO_MANY))

    def _register(self, agent: UserAgent, wanted: Registration) -> Response:
        if not wanted.is_web_push:
            return _text(200, registration.build_token("unused"))
        if wanted.delete:
            self._hub.unsubscribe(agent, wanted.subtype, "unsubscribed")
            return _text(200, registration.build_token("deleted"))
        try:
            key = vapid.public_key(wanted.sender)
        except ValueError as error:
            self._hub.subscription_refused(agent, wanted.subtype, str(error))
            return _text(200, registration.build_error(FINAL))
        subscription = self._hub.subscribe(
            agent, wanted.subtype, sender=wanted.sender, key=key, app=wanted.app
        )
        return _text(200, registration.build_token(subscription.token))

    def _authenticate(self, claimed: Identity | None) -> UserAgent | None:
        if claimed is None:
            return None
        return self._hub.mcs_agent(claimed.android_id, claimed.security_token)


def _text(status: int, body: bytes) -> Response:
    return Response(status, body, [("Content-Type", "text/plain")])
