"""What the views work with; made once by `wiring`, found through the running application."""

import threading
from dataclasses import dataclass
from typing import cast

from flask import current_app

from app.bus.contract import Bus
from app.config import Settings
from app.db import Database
from app.faults import Faults
from app.journal import Journal
from app.notifications.create import Creator
from app.pns.node import Node
from app.sending.sender import Sender
from app.sending.vapid import VapidKeys


@dataclass(slots=True)
class Services:
    """The parts of this process; `node` and `sender` are None where its roles leave them out."""

    settings: Settings
    database: Database
    faults: Faults
    journal: Journal
    bus: Bus
    vapid: VapidKeys
    creator: Creator
    outbox_changed: threading.Event
    node: Node | None
    sender: Sender | None


def current_services() -> Services:
    return cast(Services, current_app.extensions["pushlab"])
