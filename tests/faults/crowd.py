"""Who lives in the storm: users, their devices, and what the API says to them."""

import json
import random
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

import gevent
from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from app import accounts, devices
from app.db import Database
from tests.cluster.cluster import Cluster
from tests.faults.device import Device
from tests.faults.oracle import Promised, Seen
from tests.net.clients import Client

SECRET = "a secret for the storm"
#: Seconds before a request is repeated that was not answered.
RETRY = 0.1
AGENT = "Firefox/153 (X11; Linux)"


class Crowd:
    """Devices are greenlets of the main thread; everything else may be used by many threads."""

    def __init__(self, cluster: Cluster, database: Database, chance: random.Random) -> None:
        self.users: dict[int, list[str]] = {}
        self.seen: dict[str, Seen] = {}
        self.promised: list[Promised] = []
        self.devices: list[Device] = []
        self._cluster = cluster
        self._database = database
        self._chance = chance
        self._cookies: dict[str, str] = {}
        self._coming: list[Device] = []
        self._greenlets: list[gevent.Greenlet[[], None]] = []

    def dice(self) -> random.Random:
        """For one device or thread: its choices do not depend on what the others do when."""
        return random.Random(self._chance.random())

    # -- devices ---------------------------------------------------------------------------------

    def make_user(self, count: int) -> None:
        """A user with so many devices."""

        def work(session: Any) -> tuple[int, list[tuple[str, str]]]:
            user = accounts.sign_up_guest(session, lab=False)
            opened = [accounts.open_session(session, user.id).session_id for _ in range(count)]
            records = [devices.ensure_device(session, one, AGENT) for one in opened]
            return user.id, [
                (one, record.connection_id) for one, record in zip(opened, records, strict=True)
            ]

        user_id, made = self._database.write(work)
        self.users[user_id] = []
        for session_id, connection_id in made:
            cookie = self._cookie(session_id)
            self._know(connection_id, user_id, cookie)
            self._expect(user_id, cookie)

    def sign_in(self, user_id: int) -> None:
        """Another device, whose record its first handshake will make."""
        opened = self._database.write(lambda session: accounts.open_session(session, user_id))
        self._expect(user_id, self._cookie(opened.session_id))

    def admit(self) -> None:
        """In the main thread: those who signed in begin to live."""
        while self._coming:
            device = self._coming.pop(0)
            self.devices.append(device)
            self._greenlets.append(gevent.spawn(device.live))

    def end(self) -> None:
        gevent.killall(self._greenlets)

    def here(self, user_id: int | None = None) -> list[str]:
        """Devices that are signed in: all, or a user's."""
        mine = list(self.seen) if user_id is None else self.users[user_id]
        return [one for one in mine if not self.seen[one].gone]

    def _expect(self, user_id: int, cookie: str) -> None:
        def find(connection_id: str) -> Seen:
            known = self.seen.get(connection_id)
            return known or self._know(connection_id, user_id, cookie)

        self._coming.append(Device(self._dial(cookie), find, self.dice()))

    def _know(self, connection_id: str, user_id: int, cookie: str) -> Seen:
        self._cookies[connection_id] = cookie
        self.seen[connection_id] = seen = Seen(connection_id, user_id)
        self.users[user_id].append(connection_id)
        return seen

    def _dial(self, cookie: str) -> Callable[[], Client]:
        headers = {"Origin": self._cluster.url, "Cookie": cookie}
        chance = self.dice()

        def dial() -> Client:
            return Client.connect(chance.choice(self._cluster.socket_ports), "/pns", headers)

        return dial

    def _cookie(self, session_id: str) -> str:
        """The session cookie, signed as Flask signs it; in a lab its name carries the port."""
        app = Flask("signer")
        app.secret_key = SECRET
        serializer = SecureCookieSessionInterface().get_signing_serializer(app)
        assert serializer is not None
        value = serializer.dumps({"_user_id": session_id, "_permanent": True})
        return f"pushlab_session_{urlsplit(self._cluster.url).port}={value}"

    # -- what they ask ---------------------------------------------------------------------------

    def publish(
        self,
        user_id: int,
        count: int,
        *,
        by_ring: bool = False,
        deliver_at: str | None = None,
        keyed: bool = True,
    ) -> None:
        """As a client does that wants it to be there: again, with the same key, until it is. One
        without keys gets more than it asked for. It is due to those who were there before the
        request."""
        mine = frozenset(self.here(user_id))
        if not mine:
            return
        caller = min(mine)
        body = {
            "notifications": [{"title": "x" * 20, "deliver_at": deliver_at} for _ in range(count)]
        }
        key = uuid.uuid4().hex if keyed else ""
        while not self.seen[caller].gone:
            status, answer = self.ask("POST", "/api/notifications", caller, body, key)
            if status == 201:
                ids = [one["notification_id"] for one in answer["notifications"]]
                self.promised.extend(Promised(one, user_id, mine, by_ring) for one in ids)
                return
            time.sleep(RETRY)

    def ask(
        self, method: str, path: str, caller: str, body: Any = None, key: str = ""
    ) -> tuple[int, Any]:
        """Status and JSON; 0: no answer."""
        headers = {"Cookie": self._cookies[caller], "Content-Type": "application/json"}
        headers |= {"Idempotency-Key": key} if key else {}
        with closing(HTTPConnection("127.0.0.1", self._cluster.app_port, timeout=20)) as link:
            try:
                link.request(method, path, json.dumps(body), headers)
                answer = link.getresponse()
                text = answer.read()
                return answer.status, json.loads(text) if text else None
            except (OSError, HTTPException, ValueError):
                return 0, None
