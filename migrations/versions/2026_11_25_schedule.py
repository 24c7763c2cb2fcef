"""schedule.

Revision 8c41d2f6a7b9 follows c81e5d7f20ab; made 2026-11-25 17:00:00.
"""

import sqlalchemy as sa
from alembic import op


revision = '8c41d2f6a7b9'
down_revision = 'c81e5d7f20ab'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('scheduled_notifications',
    sa.Column('notification_id', sa.String(length=36), nullable=False),
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('creator_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('deliver_at', sa.Double(), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.Column('ttl', sa.Integer(), nullable=False),
    sa.Column('urgency', sa.String(length=8), nullable=False),
    sa.Column('topic', sa.String(length=32), nullable=True),
    sa.Column('policy', sa.String(length=16), nullable=False),
    sa.ForeignKeyConstraint(['creator_id'], ['users.id'], name=op.f('fk_scheduled_notifications_creator_id_users'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_scheduled_notifications_user_id_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('notification_id', name=op.f('pk_scheduled_notifications'))
    )
    for column in ('user_id', 'creator_id', 'deliver_at'):
        op.create_index(op.f(f'ix_scheduled_notifications_{column}'), 'scheduled_notifications', [column])


def downgrade() -> None:
    op.drop_table('scheduled_notifications')
