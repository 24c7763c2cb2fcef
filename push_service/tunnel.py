"""CONNECT for application servers that send to Google: the tunnel ends here. Used by service.

Chromium's endpoints always name a host of Google's. An application under test that is told to use
us as its https proxy sends to them unchanged, and arrives at our own push API. A tunnel leads
nowhere else.
"""

import ssl
from collections.abc import Callable

from push_service.http_face import Socket, converse
from push_service.model import GOOGLE_HOSTS
from push_service.web import Answer, Request, Router, Takeover

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"


class Tunnel:
    """Answers as Google's hosts would, by the certificate in `context`."""

    def __init__(self, context: ssl.SSLContext, answer: Callable[[Request], Answer]) -> None:
        self._context = context
        self._answer = answer

    def add_to(self, router: Router) -> None:
        for host in GOOGLE_HOSTS:
            router.add("CONNECT", f"{host}:443", self.connect)

    def connect(self, _request: Request) -> Takeover:
        """RFC 9110 §9.3.6: after a 2xx the connection belongs to what it carries."""
        return Takeover(self._serve)

    def _serve(self, socket: Socket, _leftover: bytes) -> None:
        # A client says nothing before it has read the answer.
        socket.sendall(ESTABLISHED)
        converse(socket, self._answer, self._context)
