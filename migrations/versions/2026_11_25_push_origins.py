"""the push service of each subscription and of what is sent to it.

Revision b3f0c2a94d17 follows 5d0c7a31b2e4.
"""

from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op


revision = 'b3f0c2a94d17'
down_revision = '5d0c7a31b2e4'
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ('push_subscriptions', 'push_outbox'):
        # Without batch mode: SQLite would make the table anew, and lose the rows that refer to it.
        column = sa.Column('origin', sa.String(length=270), nullable=False, server_default='')
        op.add_column(table, column)
    fill_in()
    op.drop_index('ix_push_outbox_due', 'push_outbox')
    op.create_index('ix_push_outbox_due', 'push_outbox', ['state', 'origin', 'next_attempt_at'])


def fill_in() -> None:
    subscriptions = sa.table(
        'push_subscriptions', sa.column('id'), sa.column('endpoint'), sa.column('origin')
    )
    outbox = sa.table('push_outbox', sa.column('subscription_id'), sa.column('origin'))
    connection = op.get_bind()
    for id_, endpoint in connection.execute(sa.select(subscriptions.c.id, subscriptions.c.endpoint)).all():
        origin = origin_of(endpoint)
        connection.execute(subscriptions.update().where(subscriptions.c.id == id_).values(origin=origin))
        connection.execute(outbox.update().where(outbox.c.subscription_id == id_).values(origin=origin))


def origin_of(endpoint: str) -> str:
    """As app/subscriptions.py had it then."""
    parts = urlsplit(endpoint)
    port = ':443' if parts.scheme == 'https' else ':80'
    return f'{parts.scheme}://{parts.netloc.lower().removesuffix(port)}'


def downgrade() -> None:
    op.drop_index('ix_push_outbox_due', 'push_outbox')
    op.create_index('ix_push_outbox_due', 'push_outbox', ['state', 'next_attempt_at'])
    for table in ('push_outbox', 'push_subscriptions'):
        op.drop_column(table, 'origin')
