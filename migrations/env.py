"""Alembic's entry: runs the migrations on the running application's engine. Called by Flask-Migrate
only, so there is always an application."""

from alembic import context
from flask import current_app
from sqlalchemy import text

import app.models  # noqa: F401  (registers every table)
from app.db import Model, db

#: Any number that no other user of the database locks.
LOCK = 8030


def run() -> None:
    """One transaction for all steps: a migration that fails leaves nothing half done."""
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Model.metadata,
            **current_app.extensions["migrate"].configure_args,
        )
        with context.begin_transaction():
            if connection.dialect.name == "postgresql":  # processes that start at the same time
                connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
            context.run_migrations()


run()
