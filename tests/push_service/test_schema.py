"""A database of an earlier version is taken over with all that is in it."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from push_service import schema
from push_service.schema import CURRENT, SchemaTooNewError
from push_service.store import metadata
from tests.push_service.parts import Socket, bodies, service_on, sqlite_url

# As the first version made it, word for word: it must never change.
VERSION_1 = """
CREATE TABLE user_agents (
    id VARCHAR(32) NOT NULL, kind VARCHAR(16) NOT NULL, uaid VARCHAR(64),
    android_id VARCHAR(20), security_token VARCHAR(20), seen_at FLOAT NOT NULL,
    PRIMARY KEY (id), UNIQUE (uaid), UNIQUE (android_id)
);
CREATE INDEX ix_user_agents_seen_at ON user_agents (seen_at);
CREATE TABLE subscriptions (
    token VARCHAR(64) NOT NULL, user_agent_id VARCHAR(32) NOT NULL, kind VARCHAR(16) NOT NULL,
    channel TEXT NOT NULL, app TEXT, sender TEXT, "key" BLOB, created_at FLOAT NOT NULL,
    ended_at FLOAT, PRIMARY KEY (token),
    FOREIGN KEY(user_agent_id) REFERENCES user_agents (id) ON DELETE CASCADE
);
CREATE INDEX ix_subscriptions_channel ON subscriptions (user_agent_id, channel);
CREATE INDEX ix_subscriptions_ended_at ON subscriptions (ended_at);
CREATE TABLE messages (
    position INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, id VARCHAR(32) NOT NULL,
    user_agent_id VARCHAR(32) NOT NULL, token VARCHAR(64) NOT NULL, topic VARCHAR(32),
    urgency VARCHAR(16) NOT NULL, ttl INTEGER NOT NULL, accepted_at FLOAT NOT NULL,
    expires_at FLOAT NOT NULL, encoding VARCHAR(32), encryption TEXT, crypto_key TEXT,
    body BLOB NOT NULL, UNIQUE (id),
    FOREIGN KEY(token) REFERENCES subscriptions (token) ON DELETE CASCADE
);
CREATE INDEX ix_messages_expires_at ON messages (expires_at);
CREATE INDEX ix_messages_pull ON messages (user_agent_id, position);
CREATE INDEX ix_messages_topic ON messages (token, topic);
INSERT INTO user_agents VALUES ('ua_1', 'autopush', 'uaid-1', NULL, NULL, 1800000000);
INSERT INTO subscriptions VALUES
    ('lab_1', 'ua_1', 'autopush', 'channel', NULL, NULL, NULL, 1800000000, NULL),
    ('lab_2', 'ua_1', 'autopush', 'other', NULL, NULL, NULL, 1800000000, 1800000001);
INSERT INTO messages VALUES
    (7, 'first', 'ua_1', 'lab_1', NULL, 'normal', 60, 1800000000, 1800000060,
     'aes128gcm', NULL, NULL, x'6f6c64'),
    (9, 'second', 'ua_1', 'lab_1', 'topic', 'high', 60, 1800000000, 1800000060,
     'aes128gcm', NULL, NULL, x'6f6c646572');
"""


@pytest.fixture
def old(tmp_path: Path) -> str:
    with sqlite3.connect(tmp_path / "push-service.db") as database:
        database.executescript(VERSION_1)
    return sqlite_url(tmp_path)


def test_database_of_the_first_version_keeps_messages_and_devices(old: str) -> None:  # W-9
    with service_on(old) as service:
        agent = service.hub.autopush_agent("uaid-1")
        live, ended = service.hub.subscription("lab_1"), service.hub.subscription("lab_2")
        assert live is not None
        assert ended is not None
        assert (agent.id, live.ended, ended.ended) == ("ua_1", False, True)
        service.send(live, b"new")
        assert bodies(service.hub.attach(agent, Socket())) == [b"old", b"older", b"new"]


def test_upgraded_database_has_the_tables_of_a_new_one(old: str, tmp_path: Path) -> None:  # W-9
    new = f"sqlite:///{tmp_path / 'new.db'}"
    for url in (old, new):
        with service_on(url):
            pass
        with service_on(url):  # and nothing happens the second time
            pass
    assert structure(old) == structure(new)


def test_every_database_gets_all_tables(any_url: str) -> None:  # W-9
    with service_on(any_url):
        assert set(structure(any_url)) == set(metadata.tables)


def test_failed_upgrade_changes_nothing(old: str, monkeypatch: pytest.MonkeyPatch) -> None:  # W-9
    before = structure(old)
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, ("CREATE NONSENSE",)))
    monkeypatch.setattr(schema, "CURRENT", CURRENT + 1)
    with pytest.raises(Exception, match="NONSENSE"), service_on(old):
        pass
    assert structure(old) == before


def test_database_of_a_later_version_is_refused(tmp_path: Path) -> None:  # W-9
    with service_on(sqlite_url(tmp_path)):
        pass
    with sqlite3.connect(tmp_path / "push-service.db") as database:
        database.execute("UPDATE schema_version SET number = 99")
    with pytest.raises(SchemaTooNewError, match="99"), service_on(sqlite_url(tmp_path)):
        pass


def structure(url: str) -> dict[str, tuple[set[str], set[str]]]:
    """Table -> its columns and its indexes."""
    engine = create_engine(url)
    inspector = inspect(engine)
    found = {
        table: (
            {column["name"] for column in inspector.get_columns(table)},
            {str(index["name"]) for index in inspector.get_indexes(table)},
        )
        for table in inspector.get_table_names()
        if not table.startswith("sqlite_")
    }
    engine.dispose()
    return found
