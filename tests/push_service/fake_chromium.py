"""Chromium's side of check-in, registration and MCS, byte by byte under the test's control."""

import socket
import ssl
import uuid
from collections.abc import Sequence
from http.client import HTTPConnection
from urllib.parse import urlencode, urlsplit

from push_service.testing.push_service_process import PushServiceProcess
from push_service.wire import mcs
from push_service.wire.check_in import Identity
from push_service.wire.check_in_pb2 import CheckInRequest, CheckInResponse

TIMEOUT = 10.0
APP = "org.chromium.linux"


class FakeChromium:
    """A profile: an identity, and the ids that the push service has not confirmed yet."""

    def __init__(self, push_service: PushServiceProcess) -> None:
        self.push_service = push_service
        self.unconfirmed: list[str] = []
        self.identity = self._check_in()

    def register(self, key: str) -> str:
        """Subscribe; the endpoint as Chromium would publish it."""
        form = {"app": APP, "X-subtype": f"wp:https://x.test/#{uuid.uuid4()}-V2", "sender": key}
        login = f"AidLogin {self.identity.android_id}:{self.identity.security_token}"
        headers = {
            "Authorization": login,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        answer = self._post("/register", urlencode(form).encode(), headers).decode()
        assert answer.startswith("token="), answer
        return f"https://jmt17.google.com/fcm/send/{answer.removeprefix('token=')}"

    def log_in(self) -> "Link":
        """A connection on which messages arrive from now on."""
        link = Link(self.push_service)
        link.log_in(self.identity, self.unconfirmed)
        self.unconfirmed.clear()
        return link

    def _check_in(self) -> Identity:
        request = CheckInRequest(id=0, security_token=0, version=3)
        headers = {"Content-Type": "application/x-protobuf"}
        answer = self._post("/checkin", request.SerializeToString(), headers)
        response = CheckInResponse.FromString(answer)
        return Identity(response.android_id, response.security_token)

    def _post(self, path: str, body: bytes, headers: dict[str, str]) -> bytes:
        connection = HTTPConnection(urlsplit(self.push_service.http).netloc, timeout=TIMEOUT)
        try:
            connection.request("POST", path, body, headers)
            return connection.getresponse().read()
        finally:
            connection.close()


class Link:
    """One TLS connection to the MCS port."""

    def __init__(self, push_service: PushServiceProcess) -> None:
        host, _, port = push_service.mcs.rpartition(":")
        context = ssl.create_default_context(cafile=str(push_service.ca))
        plain = socket.create_connection((host, int(port)), TIMEOUT)
        self.socket = context.wrap_socket(plain, server_hostname=host)
        self.frames = 0
        self._reader = mcs.Reader()
        self._messages: list[mcs.Message] = []

    def __enter__(self) -> "Link":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def log_in(self, identity: Identity, received: Sequence[str] = ()) -> mcs.LoginResponse:
        request = mcs.LoginRequest(
            id="chrome-156",
            domain="mcs.android.com",
            user=str(identity.android_id),
            resource=str(identity.android_id),
            auth_token=str(identity.security_token),
            received_persistent_id=received,
        )
        self.socket.sendall(bytes([mcs.VERSION]) + mcs.encode(request))
        response = self.receive()
        assert isinstance(response, mcs.LoginResponse)
        return response

    def send(self, message: mcs.Message) -> None:
        self.socket.sendall(mcs.encode(message))

    def receive(self) -> mcs.Message:
        """The next frame. Raises EOFError when the push service hung up."""
        while not self._messages:
            data = self.socket.recv(65536)
            if not data:
                raise EOFError
            self._messages += self._reader.receive(data)
        self.frames += 1
        return self._messages.pop(0)

    def receive_push(self) -> mcs.DataMessageStanza:
        message = self.receive()
        assert isinstance(message, mcs.DataMessageStanza)
        return message

    def acknowledge(self) -> None:
        """Everything received so far, as the browser does when it is asked to at once."""
        extension = mcs.Extension(id=13)
        self.send(mcs.IqStanza(type=1, extension=extension, last_stream_id_received=self.frames))
