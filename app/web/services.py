"""What the views work with; made once by `wiring`, found through the running application."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import cast

from flask import current_app
from prometheus_client import CollectorRegistry

from app.bus.contract import Bus
from app.bus.envelope import Envelope
from app.bus.ringer import Ringer
from app.config import Settings
from app.db import Database
from app.devices import Ended
from app.faults import Faults
from app.journal import Journal
from app.notifications.create import Creator
from app.notifications.scheduler import Scheduler
from app.ops.listener import MetricsListener
from app.ops.watch import Watch
from app.pns.node import Node
from app.sending.sender import Sender
from app.sending.vapid import VapidKeys


@dataclass(slots=True)
class Services:
    """The parts of this process; `node`, `sender` and `scheduler` are None where its roles
    leave them out. `watch` and `metrics` tell how all that does."""

    settings: Settings
    database: Database
    faults: Faults
    journal: Journal
    bus: Bus
    ringer: Ringer
    vapid: VapidKeys
    creator: Creator
    node: Node | None
    sender: Sender | None
    scheduler: Scheduler | None
    watch: Watch
    metrics: CollectorRegistry
    metrics_listener: MetricsListener

    def announce(self, ended: Ended | None) -> None:
        """Tell the node that holds the ended device's socket to close it (4003)."""
        if ended is not None and ended.node_uri is not None:
            self.faults.reach("signout.after_commit")
            envelope = Envelope("ended", user_ids=(ended.user_id,), ids=(ended.connection_id,))
            self.ringer.ring([ended.node_uri], envelope)

    def hint(self, user_ids: Collection[int], what: str) -> None:
        """Tell the users' open pages to fetch `what` again."""
        self.ringer.tell(Envelope("hint", what=what, user_ids=tuple(user_ids)))


def current_services() -> Services:
    return cast(Services, current_app.extensions["pushlab"])
