"""Chromium's check-in: protobuf in, protobuf out. Used by the check-in face.

A profile that subscribes for the first time asks for an identity: an android id, which names the
device, and a security token, which proves it at registration and at the MCS login.
"""

from dataclasses import dataclass

from google.protobuf.message import DecodeError

from push_service.wire.check_in_pb2 import CheckInRequest, CheckInResponse

CONTENT_TYPE = "application/x-protobuf"
UINT64 = 2**64 - 1


class MalformedCheckInError(Exception):
    """The body is no check-in request."""


@dataclass(frozen=True)
class Identity:
    """What a device is known by; both are zero for a device that has not checked in yet."""

    android_id: int
    security_token: int

    @property
    def is_new(self) -> bool:
        return self.android_id == 0


def parse_request(body: bytes | None) -> Identity:
    """The identity that the device says it has; `body` None: too long to be read.

    Raises MalformedCheckInError.
    """
    if body is None:
        raise MalformedCheckInError("the body is too long")
    try:
        request = CheckInRequest.FromString(body)
    except DecodeError as error:
        raise MalformedCheckInError("the body is no check-in request") from error
    # The id is signed in the request and unsigned in the response: the same 64 bits.
    return Identity(request.id & UINT64, request.security_token)


def build_response(identity: Identity, now: float) -> bytes:
    """The answer that gives the device `identity`; `now` in seconds since 1970."""
    return CheckInResponse(
        stats_ok=True,
        time_msec=int(now * 1000),
        android_id=identity.android_id,
        security_token=identity.security_token,
    ).SerializeToString()
