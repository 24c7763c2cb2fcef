"""The HTTP session under every Web Push request: kept-alive connections with hard limits, because
the other side is chosen by whoever subscribed. Called by webpush.

The time limit is for the whole request, no redirect is followed, no proxy or other setting is taken
from the environment, only the beginning of an answer is read, and a vendor's host name must lead to
a public address: the one that was checked is the one that is connected to."""

import io
import socket
import ssl
import time
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as RequestTimeout
from urllib3.response import BaseHTTPResponse
from urllib3.util.connection import create_connection

from app.sending.endpoints import Target, is_public

#: Bytes of an answer that are read; a push service has a line or two to say.
BODY_LIMIT = 4096
#: Origins with kept-alive connections.
ORIGINS = 64
#: Of a host with more addresses than this the rest is not tried.
ADDRESSES = 4


class NoAnswer(Exception):
    """The request was perhaps sent, an answer did not come; the text says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Named as pywebpush reads them from the session it is given."""

    status_code: int
    #: Names in lower case.
    headers: dict[str, str]
    #: The beginning of the body.
    text: str


class Transport:
    """Sends POST requests. For use by many threads or greenlets at a time."""

    def __init__(self, timeout: float, connections: int) -> None:
        self._timeout = timeout
        pools: dict[str, Any] = {
            "num_pools": ORIGINS,
            "maxsize": connections,
            "ssl_context": ssl.create_default_context(),
        }
        self._ours = PoolManager(**pools)
        self._ours.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        self._vendors = PoolManager(**pools)
        self._vendors.pool_classes_by_scheme = {"https": _VendorPool}

    def post(self, target: Target, headers: dict[str, str], body: bytes) -> Answer:
        """Raises NoAnswer."""
        pools = self._ours if target.trusted else self._vendors
        try:
            response = pools.urlopen(
                "POST",
                target.url,
                body=body,
                headers=headers,
                redirect=False,
                retries=False,
                timeout=Timeout(total=self._timeout),
                preload_content=False,
                decode_content=False,
            )
            return _read(response)
        except NewConnectionError as error:  # a timeout only by urllib3's family tree
            raise NoAnswer(str(error)) from error
        except RequestTimeout:
            raise NoAnswer(f"nothing came within {self._timeout:g} seconds.") from None
        except (HTTPError, HTTPException, OSError) as error:
            raise NoAnswer(str(error)) from error

    def close(self) -> None:
        self._ours.clear()
        self._vendors.clear()


def _read(response: BaseHTTPResponse) -> Answer:
    try:
        body = response.read(BODY_LIMIT)
    finally:
        response.close()  # ends the connection unless the body was read to its end
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status, headers, body.decode("utf-8", "replace"))


class _Response(HTTPResponse):
    """Ends when the request's time is over. A socket's own timeout begins anew with every byte, so
    a server that sends one now and then could hold a sender for ever."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        raw = self.fp.detach()
        self.fp = io.BufferedReader(_Until(sock, raw))


class _Until(io.RawIOBase):
    """What can be read from the socket within the timeout it has now."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._sock = sock
        self._raw = raw
        self._deadline = time.monotonic() + (sock.gettimeout() or 0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Connection(HTTPConnection):
    response_class = _Response


class _TlsConnection(HTTPSConnection):
    response_class = _Response


class _VendorConnection(_TlsConnection):
    """Connects to public addresses only. The name is resolved once, here: a second look-up could
    give another answer than the one that was checked (DNS rebinding)."""

    def _new_conn(self) -> socket.socket:
        error: Exception = OSError(f"{self.host} has no public address.")
        for address in self._public_addresses():
            try:
                return create_connection(
                    (address, self.port), self.timeout, socket_options=self.socket_options
                )
            except OSError as failed:
                error = failed
        raise NewConnectionError(self, str(error)) from error

    def _public_addresses(self) -> list[str]:
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise NewConnectionError(self, f"{self.host} cannot be resolved: {error}") from error
        addresses = dict.fromkeys(str(entry[4][0]) for entry in found)
        return [address for address in addresses if is_public(address)][:ADDRESSES]


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _VendorPool(HTTPSConnectionPool):
    ConnectionCls = _VendorConnection
