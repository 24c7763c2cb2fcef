"""mute, and for which devices a notification was.

Revision 3c9e5b7f1a60 follows 8c41d2f6a7b9.
"""

import sqlalchemy as sa
from alembic import op


revision = '3c9e5b7f1a60'
down_revision = '8c41d2f6a7b9'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Without batch mode: SQLite would make the tables anew, and lose the rows that refer to them.
    op.add_column('users', sa.Column('muted_until', sa.Double(), nullable=True))
    op.add_column('notification_registry', sa.Column('muted_until', sa.Double(), nullable=True))
    created_seq = sa.Column('created_seq', sa.BigInteger(), nullable=False, server_default='0')
    op.add_column('notification_registry', created_seq)
    only = sa.Column('only_connection_id', sa.String(length=36), nullable=True)
    op.add_column('notification_data', only)


def downgrade() -> None:
    op.drop_column('notification_data', 'only_connection_id')
    op.drop_column('notification_registry', 'created_seq')
    op.drop_column('notification_registry', 'muted_until')
    op.drop_column('users', 'muted_until')
