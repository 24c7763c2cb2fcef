"""`pns_nodes`: which incarnations live. One that says nothing for a while is dead, and its devices
count as offline until another node takes them over. Functions of a session, called by `pns.node`
and `pns.heartbeat`."""

import re
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, Table, delete, insert, select, update
from sqlalchemy.orm import Session

from app.db import database_now, each_value
from app.models import PnsNode, Registration
from app.pns.registry import chunks

CORE = {"synchronize_session": False}

_RECORDS = cast(Table, Registration.__table__)
_named = each_value(_RECORDS.c.node_uri).subquery()
#: The names that devices are held under and no living incarnation has.
STRANGERS = select(_named.c.value).where(_named.c.value.not_in(select(PnsNode.node_uri)))


def public_name(node_uri: str) -> str:
    """The incarnation alone: the address of a node is nobody's business outside."""
    return re.split("[/#]", node_uri)[-1]


def begin(session: Session, node_uri: str) -> None:
    """From here on devices may name this incarnation as theirs."""
    session.execute(insert(PnsNode).values(node_uri=node_uri, heartbeat_at=database_now()))


def beat(session: Session, node_uri: str) -> bool:
    """This incarnation lives. False: somebody took it for dead and gave its devices away."""
    mine = update(PnsNode).where(PnsNode.node_uri == node_uri).values(heartbeat_at=database_now())
    result = session.execute(mine, execution_options=CORE)
    return bool(cast(CursorResult[Any], result).rowcount)


def end(session: Session, node_uri: str) -> None:
    session.execute(delete(PnsNode).where(PnsNode.node_uri == node_uri), execution_options=CORE)


def end_others(session: Session, node_uri: str) -> None:
    """Only where there is one node at a time: whatever else there is was left over by one that was
    killed."""
    session.execute(delete(PnsNode).where(PnsNode.node_uri != node_uri), execution_options=CORE)
    _release(session, Registration.node_uri != node_uri)


def end_silent(session: Session, node_uri: str, patience: float) -> Sequence[str]:
    """End the other incarnations that said nothing for `patience` seconds; their names. What no
    living one holds is offline then: also what a dying node took at the last moment."""
    silent = PnsNode.heartbeat_at < database_now() - patience
    dead = delete(PnsNode).where(silent, PnsNode.node_uri != node_uri).returning(PnsNode.node_uri)
    names = session.scalars(dead, execution_options=CORE).all()
    strangers = session.scalars(STRANGERS).all()
    if strangers:
        _release(session, Registration.node_uri.in_(strangers))
    return names


def _release(session: Session, which: ColumnElement[bool]) -> None:
    """In the order of ids, and without those that somebody works on: nothing deadlocks, and what
    was passed over is found the next time."""
    records = select(Registration.connection_id).where(Registration.node_uri.is_not(None), which)
    locked = records.order_by(Registration.connection_id).with_for_update(skip_locked=True)
    for ids in chunks(session.scalars(locked)):
        offline = update(Registration).where(Registration.connection_id.in_(ids))
        session.execute(offline.values(node_uri=None), execution_options=CORE)
