"""answers to the questions of the codelab.

Revision d7a4e1c85b32 follows 3c9e5b7f1a60.
"""

import sqlalchemy as sa
from alembic import op


revision = 'd7a4e1c85b32'
down_revision = '3c9e5b7f1a60'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('codelab_answers',
    sa.Column('user_id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=False, nullable=False),
    sa.Column('step', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('choice', sa.String(length=32), nullable=False),
    sa.Column('answered_at', sa.Double(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['users.id'], name=op.f('fk_codelab_answers_user_id_users'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', 'step', name=op.f('pk_codelab_answers'))
    )


def downgrade() -> None:
    op.drop_table('codelab_answers')
