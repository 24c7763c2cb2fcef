"""What goes wrong in the storm, by chance and at each crash point in turn."""

import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.db import Database
from app.models import NotificationData
from tests.cluster.cluster import Cluster
from tests.faults.crowd import Crowd
from tests.faults.mailbox import Mailbox
from tests.faults.switches import Switches
from tests.postgres import Server

Deed = Callable[[random.Random], None]
#: Notifications that are let expire at a time.
OLD = 3


class Saboteur:
    """`log`: what it did, in order. `expired`: the notifications it aged, by user and `seq`.
    `late`: only what leads to a crash point that was not met yet is done, where something does."""

    def __init__(
        self,
        crowd: Crowd,
        cluster: Cluster,
        server: Server | None,
        database: Database,
        switches: Switches,
        mailboxes: list[Mailbox],
    ) -> None:
        self.log: list[str] = []
        self.expired: dict[tuple[int, int], str] = {}
        self.late = False
        self._crowd = crowd
        self._cluster = cluster
        self._server = server
        self._database = database
        self._switches = switches
        self._mailboxes = mailboxes

    def rage(self, over: threading.Event, dice: random.Random) -> None:
        self._over = over
        deeds = self._deeds()
        while not over.wait(dice.uniform(0.2, 0.8)):
            leading = self._leading()
            deed = dice.choice(leading if self.late and leading else [*deeds, *leading * 4])
            self.log.append(deed.__name__.strip("_"))
            deed(dice)

    def crash(self, over: threading.Event, dice: random.Random, pace: float) -> None:
        """One point after the other, those that were not hit yet before all others."""
        while not over.wait(dice.uniform(0, 2 * pace)):
            point = dice.choice(self._switches.missed or self._switches.points)
            self._switches.crash_at(point)

    def _deeds(self) -> list[Deed]:
        """As often as they stand there."""
        deeds: list[Deed] = [self._kill_app, self._subscribe_again]
        deeds += [self._sign_out, self._sign_in, self._let_expire] * 2 + [self._hold_rings]
        if self._cluster.nodes:
            deeds += [self._kill_node] * 2 + [self._freeze_node] * 2
        if self._server is not None:
            deeds.append(self._kill_database)
        return deeds

    def _leading(self) -> list[Deed]:
        """What alone leads to a crash point that was not met yet: chance might not come to it for
        minutes."""
        leads_to: dict[str, Deed] = {
            "subscribe.before_store": self._subscribe_again,
            "subscribe.after_store": self._subscribe_again,
            "signout.after_commit": self._sign_out,
            "expire.after_commit": self._let_expire,
            "node.after_register": self._sign_in,
            "node.after_sweep": self._hold_rings,
        }
        return [deed for point, deed in leads_to.items() if point in self._switches.missed]

    # -- processes -------------------------------------------------------------------------------

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

    def _hold_rings(self, dice: random.Random) -> None:
        """Until a sweep has found what they were for."""
        if self._switches.hold_at("ringer.before_ring"):
            self._over.wait(dice.uniform(1.2, 2.0))
            self._switches.let_go("ringer.before_ring")

    # -- people ----------------------------------------------------------------------------------

    def _sign_out(self, dice: random.Random) -> None:
        """Not the first with a push subscription, nor more than sign in."""
        here = [one for one in self._crowd.here() if one != self._mailboxes[0].connection_id]
        if len(here) < len(self._crowd.users):
            return
        leaving = dice.choice(here)
        self._crowd.seen[leaving].gone = True  # before: what is sent from now on is not due to it
        for _ in range(100):
            status, _answer = self._crowd.ask("DELETE", f"/api/devices/{leaving}", leaving)
            if status in (204, 401, 404):
                return
            time.sleep(0.2)

    def _sign_in(self, dice: random.Random) -> None:
        with suppress(DBAPIError):
            self._crowd.sign_in(dice.choice(list(self._crowd.users)))

    def _subscribe_again(self, _dice: random.Random) -> None:
        self._mailboxes[0].subscribe()

    # -- time ------------------------------------------------------------------------------------

    def _let_expire(self, _dice: random.Random) -> None:
        """The newest notifications, which not everybody has yet."""
        with suppress(DBAPIError):
            self.expired |= self._database.write(_age)


def _age(session: Session) -> dict[tuple[int, int], str]:
    data = NotificationData
    newest = select(data.user_id, data.seq, data.notification_id).order_by(data.created_at.desc())
    rows = session.execute(newest.limit(OLD)).all()
    ids = [row.notification_id for row in rows]
    aged = update(data).where(data.notification_id.in_(ids)).values(expires_at=time.time())
    session.execute(aged, execution_options={"synchronize_session": False})
    return {(row.user_id, row.seq): row.notification_id for row in rows}
