"""The migrations lead from nothing to the tables of the models, and keep what is in them."""

from collections.abc import Iterator
from functools import partial

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import Engine, inspect, text

from app import create_app
from app.config import Settings
from app.db import Model, db

BEFORE_ORIGINS = "5d0c7a31b2e4"
BEFORE_PENDING_KEY = "5b8e02d7c4f1"


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Flask]:
    """An app on a database without any table."""
    if request.param == "postgresql":
        server: Engine = request.getfixturevalue("postgres_engine")
        with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("DROP DATABASE IF EXISTS migrated")
            connection.exec_driver_sql("CREATE DATABASE migrated")
        url = server.url.set(database="migrated").render_as_string(hide_password=False)
        settings = settings.model_copy(update={"database_url": url})
    settings.instance_dir.mkdir(parents=True, exist_ok=True)
    made = create_app(settings)
    with made.app_context():
        yield made
        db.engine.dispose()


def test_migrations_lead_to_the_models(app: Flask) -> None:
    upgrade()
    with db.engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Model.metadata)
    assert differences == []


def test_migrations_lead_back(app: Flask) -> None:
    upgrade()
    downgrade(revision="base")
    upgrade()


# W-8 (fair between push services)
def test_subscriptions_of_former_days_get_their_origin(app: Flask) -> None:
    upgrade(revision=BEFORE_ORIGINS)
    with db.engine.begin() as connection:
        for statement in FORMER_DAYS.strip().split(";\n"):
            connection.execute(text(statement))
    upgrade()
    with db.engine.connect() as connection:
        for table in ("push_subscriptions", "push_outbox"):
            found = connection.execute(text(f"SELECT origin FROM {table}"))
            assert found.scalars().all() == ["https://fcm.googleapis.com"]


# P-11
def test_what_is_pending_stays_so_under_its_new_key(app: Flask) -> None:
    upgrade(revision=BEFORE_ORIGINS)
    with db.engine.begin() as connection:
        for statement in FORMER_DAYS.strip().split(";\n"):
            connection.execute(text(statement))
    upgrade(revision=BEFORE_PENDING_KEY)
    with db.engine.begin() as connection:
        connection.execute(text("INSERT INTO pending_notifications VALUES ('c', 'n', 1)"))
    upgrade()
    with db.engine.begin() as connection:  # what a former version leaves of what has expired
        connection.execute(text(WHAT_STAYED))
    pending = text("SELECT connection_id, seq, notification_id FROM pending_notifications")
    for move in (partial(downgrade, revision=BEFORE_PENDING_KEY), upgrade):
        move()
        with db.engine.connect() as connection:
            assert connection.execute(pending).all() == [("c", 1, "n")]


# P-11 (what a row and its end cost)
def test_pending_rows_have_their_key_for_an_index_and_no_other(app: Flask) -> None:
    upgrade()
    with db.engine.connect() as connection:
        found = inspect(connection)
        assert found.get_indexes("pending_notifications") == []
        key = found.get_pk_constraint("pending_notifications")
        assert key["constrained_columns"] == ["connection_id", "seq"]
        if connection.dialect.name == "sqlite":
            tables = text("SELECT sql FROM sqlite_schema WHERE name = 'pending_notifications'")
            assert "WITHOUT ROWID" in str(connection.scalar(tables))


WHAT_STAYED = """
INSERT INTO pending_notifications (connection_id, seq, notification_id) VALUES ('c', 2, 'gone')
"""
FORMER_DAYS = """
INSERT INTO users (id, name, name_key, created_at, last_seq) VALUES (1, 'Ada', 'ada', 0, 1);
INSERT INTO sessions (session_id, user_id, created_at, last_seen_at) VALUES ('s', 1, 0, 0);
INSERT INTO notification_registry
 (connection_id, session_id, user_id, epoch, device_name, user_agent, last_seen_at, expired_count)
 VALUES ('c', 's', 1, 0, 'Firefox', 'Firefox', 0, 0);
INSERT INTO vapid_keys (id, public_key, state, created_at) VALUES ('k', 'key', 'current', 0);
INSERT INTO push_subscriptions
 (id, user_id, connection_id, endpoint, endpoint_hash, p256dh, auth, vapid_key_id, created_at)
 VALUES (1, 1, 'c', 'https://fcm.googleapis.com/fcm/send/x', 'hash', 'p', 'a', 'k', 0);
INSERT INTO notification_data
 (notification_id, user_id, seq, data, ttl, urgency, policy, created_at, expires_at)
 VALUES ('n', 1, 1, '{}', 60, 'normal', 'both', 0, 9e9);
INSERT INTO push_outbox
 (notification_id, subscription_id, seq, state, attempts, next_attempt_at)
 VALUES ('n', 1, 1, 'queued', 0, 0)
"""
