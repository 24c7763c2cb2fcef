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

CORE = {"synchronize_session": False}
#: Devices that are set offline at once: whoever takes one of them over waits for the transaction.
PORTION = 500

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
    while _release(session, Registration.node_uri != node_uri):
        pass


def end_silent(session: Session, node_uri: str, patience: float) -> Sequence[str]:
    """End the other incarnations that said nothing for `patience` seconds; their names. Nobody
    holds their devices then: `release_strangers` says so."""
    silent = PnsNode.heartbeat_at < database_now() - patience
    dead = delete(PnsNode).where(silent, PnsNode.node_uri != node_uri).returning(PnsNode.node_uri)
    return session.scalars(dead, execution_options=CORE).all()


def release_strangers(session: Session) -> int:
    """What no living incarnation holds is offline, also what a dying one took at the last moment.
    PORTION at most; how many they were."""
    strangers = session.scalars(STRANGERS).all()
    return _release(session, Registration.node_uri.in_(strangers)) if strangers else 0


def _release(session: Session, which: ColumnElement[bool]) -> int:
    """Without those that somebody works on: it waits for nobody, and finds them the next time. In
    no order: that would make each portion read all of them."""
    records = select(Registration.connection_id).where(Registration.node_uri.is_not(None), which)
    ids = session.scalars(records.limit(PORTION).with_for_update(skip_locked=True)).all()
    offline = update(Registration).where(Registration.connection_id.in_(ids)).values(node_uri=None)
    session.execute(offline, execution_options=CORE)
    return len(ids)
