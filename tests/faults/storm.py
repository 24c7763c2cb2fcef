"""A storm over a cluster: devices that come and go, publishers that never stop, and a saboteur.
Runs from a seed: who does what is the same each time, when it happens is up to the machine.

Devices are greenlets of the main thread; publishers and the saboteur are threads of their own."""

import json
import os
import random
import signal
import threading
import uuid
from collections.abc import Callable
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from typing import Any

import gevent
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from app import accounts, devices
from app.db import Database
from app.models import (
    NotificationData,
    PendingNotification,
    PnsNode,
    Registration,
    User,
)
from tests.cluster.cluster import Cluster
from tests.faults.device import Device
from tests.faults.oracle import Left, Promised, Seen
from tests.net.clients import Client
from tests.postgres import Server

SECRET = "a secret for the storm"
AGENT = "Firefox/153 (X11; Linux)"
PUBLISHERS = 3
#: Seconds until everything has to be delivered once the storm is over.
CALM = 60.0


class Storm:
    """Make it, `rage` for a while, `settle`; then ask for what was promised, seen and left."""

    def __init__(
        self,
        cluster: Cluster,
        server: Server | None,
        database: Database,
        seed: int,
        users: int = 30,
    ) -> None:
        self.promised: list[Promised] = []
        self.seen: dict[str, Seen] = {}
        self.log: list[str] = []
        self._cluster = cluster
        self._server = server
        self._database = database
        self._chance = random.Random(seed)
        self._over = threading.Event()
        self._devices: list[Device] = []
        self._cookies: dict[str, str] = {}
        self._users: dict[int, list[str]] = {}
        for _ in range(users):
            self._make_user(self._chance.randint(1, 4))

    def rage(self, seconds: float) -> None:
        work = [self._publish] * PUBLISHERS + [self._sabotage]
        threads = [threading.Thread(target=one, args=[self._dice()]) for one in work]
        greenlets = [gevent.spawn(device.live) for device in self._devices]
        for thread in threads:
            thread.start()
        gevent.sleep(seconds)
        self._over.set()
        while any(thread.is_alive() for thread in threads):
            gevent.sleep(0.05)
        self._settle()
        gevent.killall(greenlets)

    def look(self) -> Left:
        """What the database says now."""
        with self._database.read() as session:
            records = session.execute(select(Registration.connection_id, Registration.node_uri))
            pending = session.execute(
                select(PendingNotification.connection_id, func.count()).group_by(
                    PendingNotification.connection_id
                )
            )
            numbers: dict[int, list[int]] = {user_id: [] for user_id in self._users}
            for user_id, seq in session.execute(
                select(NotificationData.user_id, NotificationData.seq)
            ):
                numbers[user_id].append(seq)
            last = session.execute(select(User.id, User.last_seq))
            return Left(
                records={row.connection_id: row.node_uri for row in records},
                pending={row[0]: row[1] for row in pending},
                numbers=numbers,
                last_numbers={row.id: row.last_seq for row in last},
                living=frozenset(session.scalars(select(PnsNode.node_uri))),
            )

    # -- people ----------------------------------------------------------------------------------

    def _dice(self) -> random.Random:
        return random.Random(self._chance.random())

    def _make_user(self, count: int) -> None:
        def work(session: Any) -> tuple[int, list[tuple[str, str]]]:
            user = accounts.sign_up_guest(session, lab=False)
            made = []
            for _ in range(count):
                opened = accounts.open_session(session, user.id)
                record = devices.ensure_device(session, opened.session_id, AGENT)
                made.append((opened.session_id, record.connection_id))
            return user.id, made

        user_id, made = self._database.write(work)
        self._users[user_id] = [connection_id for _session, connection_id in made]
        for session_id, connection_id in made:
            self._cookies[connection_id] = sign(session_id)
            seen = Seen(connection_id, user_id)
            self.seen[connection_id] = seen
            self._devices.append(Device(seen, self._dial(connection_id), self._dice()))

    def _dial(self, connection_id: str) -> Callable[[], Client]:
        headers = {"Origin": self._cluster.url, "Cookie": self._cookies[connection_id]}

        def dial() -> Client:
            port = self._chance.choice(self._cluster.socket_ports)
            return Client.connect(port, "/pns", headers)

        return dial

    # -- publishers ------------------------------------------------------------------------------

    def _publish(self, dice: random.Random) -> None:
        while not self._over.is_set():
            user_id = dice.choice(list(self._users))
            mine = frozenset(c for c in self._users[user_id] if not self.seen[c].gone)
            if mine:
                caller = dice.choice(sorted(mine))
                for one in self._create(caller, dice.randint(1, 5)):
                    self.promised.append(Promised(one["notification_id"], user_id, mine))
            self._over.wait(dice.uniform(0, 0.05))

    def _create(self, caller: str, count: int) -> list[dict[str, Any]]:
        """As a client does that wants it to be there: again, with the same key, until it is."""
        body = {"notifications": [{"title": "x" * 20} for _ in range(count)]}
        key = uuid.uuid4().hex
        while not self.seen[caller].gone:
            status, answer = self._ask("POST", "/api/notifications", caller, body, key)
            if status == 201:
                made: list[dict[str, Any]] = answer["notifications"]
                return made
            self._over.wait(0.1)
        return []

    def _ask(
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

    # -- the saboteur ----------------------------------------------------------------------------

    def _sabotage(self, dice: random.Random) -> None:
        deeds = self._deeds()
        while not self._over.wait(dice.uniform(0.3, 1.2)):
            deed = dice.choice(deeds)
            self.log.append(deed.__name__.strip("_"))
            deed(dice)

    def _deeds(self) -> list[Callable[[random.Random], None]]:
        """As often as they stand there."""
        deeds = [self._kill_app, self._sign_out, self._sign_out]
        if self._cluster.nodes:
            deeds += [self._kill_node] * 3 + [self._freeze_node] * 2
        if self._server is not None:
            deeds.append(self._kill_database)
        return deeds

    def _kill_node(self, dice: random.Random) -> None:
        number = dice.choice(list(self._cluster.nodes))
        self._cluster.kill_node(number)
        self._over.wait(dice.uniform(0, 1.0))
        self._cluster.start_node(number)

    def _freeze_node(self, dice: random.Random) -> None:
        """Long enough, at times, to be taken for dead; then it goes on as if nothing had been."""
        group = self._cluster.nodes[dice.choice(list(self._cluster.nodes))].pid
        os.killpg(group, signal.SIGSTOP)
        self._over.wait(dice.uniform(0.3, 4.0))
        os.killpg(group, signal.SIGCONT)

    def _kill_app(self, _dice: random.Random) -> None:
        running = self._cluster.folder / "instance" / "running.json"
        with suppress(OSError, ValueError, TypeError):
            os.kill(json.loads(running.read_text())["pids"]["app_server"], signal.SIGKILL)

    def _kill_database(self, dice: random.Random) -> None:
        assert self._server is not None
        self._server.kill()
        self._over.wait(dice.uniform(0, 0.5))
        self._server.start()

    def _sign_out(self, dice: random.Random) -> None:
        here = [c for c, seen in self.seen.items() if not seen.gone]
        leaving = dice.choice(here)
        self.seen[leaving].gone = True  # before: what is sent from now on is not due to it
        for _ in range(100):
            status, _answer = self._ask("DELETE", f"/api/devices/{leaving}", leaving)
            if status in (204, 401, 404):
                return
            self._over.wait(0.2)

    # -- calm ------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Nobody misbehaves any more; wait until everything is delivered."""
        for device in self._devices:
            device.calm = True
            device.drop()
        with gevent.Timeout(CALM, False):  # type: ignore[arg-type]
            while not self._is_quiet():
                gevent.sleep(0.2)

    def _is_quiet(self) -> bool:
        try:
            left = self.look()
        except DBAPIError:
            return False
        held = all(node_uri in left.living for node_uri in left.records.values())
        return held and not left.pending


def sign(session_id: str) -> str:
    """The session cookie, signed as Flask signs it."""
    app = Flask("signer")
    app.secret_key = SECRET
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None
    return f"pushlab_session={serializer.dumps({'_user_id': session_id, '_permanent': True})}"
