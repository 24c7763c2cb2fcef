"""pending rows have one index, their key.

Revision c4d19e7a2b60 follows 5b8e02d7c4f1.
"""

from alembic import op


revision = 'c4d19e7a2b60'
down_revision = '5b8e02d7c4f1'
branch_labels = None
depends_on = None

TABLE = 'pending_notifications'
DATA_KEY = 'fk_pending_notifications_notification_id_notification_data'


def upgrade() -> None:
    # The names are for the copy that SQLite needs: there a table without rowid is another table.
    with op.batch_alter_table(TABLE, table_kwargs={'sqlite_with_rowid': False}) as table:
        table.drop_index('ix_pending_notifications_connection_seq')
        table.drop_index('ix_pending_notifications_notification_id')
        table.drop_constraint(DATA_KEY, type_='foreignkey')
        table.drop_constraint('pk_pending_notifications', type_='primary')
        table.create_primary_key('pk_pending_notifications', ['connection_id', 'seq'])


def downgrade() -> None:
    op.execute(
        'DELETE FROM pending_notifications WHERE notification_id NOT IN'
        ' (SELECT notification_id FROM notification_data)'
    )
    with op.batch_alter_table(TABLE, table_kwargs={'sqlite_with_rowid': True}) as table:
        table.drop_constraint('pk_pending_notifications', type_='primary')
        table.create_primary_key('pk_pending_notifications', ['connection_id', 'notification_id'])
        table.create_foreign_key(
            DATA_KEY, 'notification_data', ['notification_id'], ['notification_id'], ondelete='CASCADE'
        )
        table.create_index('ix_pending_notifications_notification_id', ['notification_id'])
        table.create_index('ix_pending_notifications_connection_seq', ['connection_id', 'seq'])
