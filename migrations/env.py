"""Alembic's entry: runs the migrations on the running application's engine. Called by Flask-Migrate
only, so there is always an application."""

from alembic import context
from flask import current_app

import app.models  # noqa: F401  (registers every table)
from app.db import Model, db


def run() -> None:
    """One transaction for all steps: a migration that fails leaves nothing half done."""
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Model.metadata,
            **current_app.extensions["migrate"].configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
