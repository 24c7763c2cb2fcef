"""A small HTTP client for talking to the app from outside: cookies kept, JSON in and out."""

import json
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urlencode

TIMEOUT = 30.0
CSRF_FIELD = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; 4xx and 5xx are answers too."""

    status: int
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


class Visitor:
    """Somebody who uses the app at `url` without a browser: a program, or the other user."""

    def __init__(self, url: str, *, bearer: str | None = None) -> None:
        self.url = url
        self._cookies = CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self._cookies)
        )
        self._headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}

    @property
    def cookies(self) -> str:
        """As a Cookie header, for a WebSocket of the same visitor."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._cookies)

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Send JSON and take the answer, whatever its status."""
        data = None if body is None else json.dumps(body).encode()
        return self._send(method, path, data, {"Content-Type": "application/json", **headers})

    def enter_as_guest(self) -> str:
        """Sign in with the one click that a guest needs; the name that the app gave."""
        self.submit("/guest", page="/")
        name: str = self.call("GET", "/api/session").json()["user"]["name"]
        return name

    def sign_up(self, name: str, password: str) -> None:
        self.submit("/signup", page="/signup", name=name, password=password)

    def submit(self, path: str, *, page: str, **fields: str) -> None:
        """Fill in the form of `page` that goes to `path`."""
        found = CSRF_FIELD.search(self._send("GET", page, None, {}).text)
        token = found[1] if found else ""
        data = urlencode({"csrf_token": token, **fields}).encode()
        answer = self._send("POST", path, data, {})
        if answer.status >= 400:
            raise AssertionError(f"POST {path} answers {answer.status}: {answer.text[:500]}")

    def notify(self, title: str, **fields: object) -> dict[str, Any]:
        """Create a notification; what the API answered. `to` names another user."""
        answer = self.call("POST", "/api/notifications", {"title": title, **fields})
        if answer.status != 201:
            raise AssertionError(f"not created, {answer.status}: {answer.text[:500]}")
        created: dict[str, Any] = answer.json()
        return created

    def _send(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> Answer:
        own = {"Origin": self.url, **self._headers}
        return send(method, self.url + path, data, own | headers, self._opener)


def send(
    method: str,
    url: str,
    data: bytes | None = None,
    headers: dict[str, str] | None = None,
    opener: urllib.request.OpenerDirector | None = None,
) -> Answer:
    """One request; any status is an answer. OSError: there was none."""
    request = urllib.request.Request(url, data, headers or {}, method=method)
    opener = opener or urllib.request.build_opener()
    try:
        with opener.open(request, timeout=TIMEOUT) as response:
            return Answer(response.status, response.read().decode())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read().decode(errors="replace"))
