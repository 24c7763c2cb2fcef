"""A storm over a cluster: devices that come and go, publishers that never stop, and a saboteur.
Runs from a seed: who does what is the same each time, when it happens is up to the machine.

Devices are greenlets of the main thread; publishers and the saboteur are threads of their own."""

import random
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import gevent
from sqlalchemy import exists, or_, select
from sqlalchemy.exc import DBAPIError

from app.clock import iso
from app.db import Database
from app.models import (
    NotificationData,
    PendingNotification,
    PnsNode,
    PushOutbox,
    Registration,
    ScheduledNotification,
    User,
)
from tests.cluster.cluster import Cluster
from tests.faults.crowd import Crowd
from tests.faults.mailbox import Mailbox
from tests.faults.oracle import Left, Record
from tests.faults.saboteur import Saboteur
from tests.faults.switches import Switches
from tests.postgres import Server

PUBLISHERS = 3
MAILBOXES = 4
#: Seconds that a `create` is held before its commit: a ring before it would come to nothing.
HELD = 0.4
#: Something is still to be done, by a node, the sender or the scheduler.
BUSY = or_(
    exists().where(PendingNotification.connection_id.is_not(None)),
    exists().where(PushOutbox.state == "queued"),
    exists().where(ScheduledNotification.notification_id.is_not(None)),
    exists().where(Registration.node_uri.is_(None)),
    exists().where(Registration.node_uri.not_in(select(PnsNode.node_uri))),
)


@dataclass(frozen=True, slots=True)
class Weather:
    """How long it rages, from which seed, over how many users; if that is wanted, on until each
    crash point was hit. `patience`: seconds until that, and until all is delivered in the end."""

    seconds: float
    seed: int
    users: int = 80
    every_point: bool = True
    patience: float = 60.0


class Storm:
    """Make it, `rage`; then ask `crowd` for what was promised and seen."""

    def __init__(
        self, cluster: Cluster, server: Server | None, database: Database, weather: Weather
    ) -> None:
        self.switches = Switches(
            cluster.folder / "instance", several_nodes=bool(cluster.node_ports)
        )
        chance = random.Random(weather.seed)
        self.crowd = Crowd(cluster, database, chance)
        #: How long each part took (seconds).
        self.times: dict[str, float] = {}
        self._weather = weather
        self._database = database
        self._over = threading.Event()
        for _ in range(weather.users):
            self.crowd.make_user(chance.randint(1, 4))
        push_service = cluster.settings["PUSHLAB_PUSH_SERVICE_URL"]
        self._mailboxes = [
            Mailbox(self.crowd, push_service, one) for one in self.crowd.here()[:MAILBOXES]
        ]
        self.saboteur = Saboteur(
            self.crowd, cluster, server, database, self.switches, self._mailboxes
        )

    def rage(self) -> Left:
        """What is left when it is over, while the devices are still there."""
        for mailbox in self._mailboxes:
            mailbox.open()
        try:
            for part in (self._storm, self._settle, self._rely_on_rings, self._rely_on_the_sweep):
                started = time.monotonic()
                part()
                self.times[part.__name__.strip("_")] = time.monotonic() - started
            return self._look()
        finally:
            self._over.set()
            self.crowd.end()
            for mailbox in self._mailboxes:
                mailbox.close()

    def _look(self) -> Left:
        with self._database.read() as session:
            records = session.scalars(select(Registration)).all()
            waiting = select(PendingNotification.connection_id, PendingNotification.seq)
            numbered = select(NotificationData.user_id, NotificationData.seq)
            last = session.execute(select(User.id, User.last_seq))
            return Left(
                records={
                    one.connection_id: Record(one.node_uri, one.created_seq, one.expired_count)
                    for one in records
                },
                pending=_grouped(session.execute(waiting).all()),
                numbers=_grouped(session.execute(numbered).all()),
                last_numbers={row.id: row.last_seq for row in last},
                living=frozenset(session.scalars(select(PnsNode.node_uri))),
                expired=self.saboteur.expired,
            )

    # -- the storm -------------------------------------------------------------------------------

    def _storm(self) -> None:
        """As long as was asked for; then until every crash point was hit, but no new one."""
        pace = self._weather.seconds / (1.5 * len(self.switches.points))
        work: list[Callable[[], None]] = [self._publisher() for _ in range(PUBLISHERS)]
        dice, other_dice = self.crowd.dice(), self.crowd.dice()
        work.append(lambda: self.saboteur.rage(self._over, dice))
        work.append(lambda: self.saboteur.crash(self._over, other_dice, pace))
        threads = [threading.Thread(target=one) for one in work]
        for thread in threads:
            thread.start()
        self._wait(lambda: False, self._weather.seconds)
        self.saboteur.late = True
        if self._weather.every_point:
            self._wait(lambda: not self.switches.missed, self._weather.patience)
        self._over.set()
        self._wait(lambda: not any(thread.is_alive() for thread in threads))
        self.switches.disarm()

    def _publisher(self) -> Callable[[], None]:
        dice, pause = self.crowd.dice(), max(0.05, 2 / self._weather.users)

        def publish() -> None:
            while not self._over.is_set():
                user_id = dice.choice(list(self.crowd.users))
                later = _in(dice.uniform(0.5, 3)) if dice.random() < 0.1 else None
                count, keyed = dice.randint(1, 5), dice.random() < 0.5
                self.crowd.publish(user_id, count, deliver_at=later, keyed=keyed)
                self._over.wait(dice.uniform(0, pause))

        return publish

    def _wait(self, condition: Callable[[], bool], seconds: float | None = None) -> None:
        """Let devices live until the condition holds or the time is up."""
        with gevent.Timeout(seconds, False):  # type: ignore[arg-type]
            while not condition():
                self.crowd.admit()
                gevent.sleep(0.1)

    # -- calm ------------------------------------------------------------------------------------

    def _settle(self) -> None:
        """Nobody misbehaves any more; wait until everything is delivered."""
        self.crowd.admit()
        for device in self.crowd.devices:
            device.calm_down()
        self._wait(self._is_quiet, self._weather.patience)

    def _is_quiet(self) -> bool:
        """Everybody is held by a node that lives, and nothing is on its way."""
        with suppress(DBAPIError), self._database.read() as session:
            living = {Record(uri).node for uri in session.scalars(select(PnsNode.node_uri))}
            busy = session.scalar(select(BUSY))
            return not busy and self._are_greeted(living) and self._all_came()
        return False

    def _are_greeted(self, living: Collection[str | None]) -> bool:
        return all(seen.gone or seen.node in living for seen in self.crowd.seen.values())

    def _all_came(self) -> bool:
        """By Web Push: what was delivered may still be on its way from the push service."""
        expired = set(self.saboteur.expired.values())
        return all(
            self.crowd.seen[one].has_by_push(promised.notification_id)
            for promised in self.crowd.promised
            if promised.notification_id not in expired
            for one in promised.due_to
        )

    def _rely_on_rings(self) -> None:
        """While no node sweeps, the ring alone brings it: it comes after the commit. One more is
        created before: the first ring after a restart of the database may find a dead connection,
        and be lost."""
        users = [user for user in self.crowd.users if self.crowd.here(user)][:8]
        self._publish_to_each(users[:1])
        self._wait(self._is_quiet, self._weather.patience)
        self.switches.hold_at("node.before_sweep")
        self.switches.hold_at("create.before_commit")
        self._publish_to_each(users, HELD, by_ring=True)
        self._wait(self._is_quiet, self._weather.patience)
        for seen in self.crowd.seen.values():
            seen.rung = frozenset(seen.ids)
        self.switches.let_go("node.before_sweep")

    def _rely_on_the_sweep(self) -> None:
        """The app dies between commit and ring: the sweep brings it."""
        for user in [user for user in self.crowd.users if self.crowd.here(user)][:2]:
            self.switches.crash_at("create.after_commit")
            self._publish_to_each([user])
        self.switches.disarm()
        self._wait(self._is_quiet, self._weather.patience)

    def _publish_to_each(
        self, users: Sequence[int], held: float = 0, *, by_ring: bool = False
    ) -> None:
        """One notification for each; their commits are `held` for so many seconds."""
        publish = partial(self.crowd.publish, count=1, by_ring=by_ring)
        threads = [threading.Thread(target=publish, args=[user]) for user in users]
        for thread in threads:
            thread.start()
        if held:
            self._wait(lambda: False, held)
            self.switches.let_go("create.before_commit")
        self._wait(lambda: not any(thread.is_alive() for thread in threads))


def _grouped(rows: Sequence[Any]) -> dict[Any, list[int]]:
    """The numbers of each, from rows of both."""
    groups: dict[Any, list[int]] = {}
    for key, seq in rows:
        groups.setdefault(key, []).append(seq)
    return groups


def _in(seconds: float) -> str:
    return iso(time.time() + seconds)
