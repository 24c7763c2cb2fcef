"""journal batches.

Revision 9b2e57c1d0a4 follows 71d4f0b96c2e; made 2026-11-26 10:50:00.
"""

import sqlalchemy as sa
from alembic import op


revision = '9b2e57c1d0a4'
down_revision = '71d4f0b96c2e'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('journal_batches',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), nullable=False),
    sa.Column('at', sa.Double(), nullable=False),
    sa.Column('events', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_journal_batches'))
    )
    with op.batch_alter_table('journal_batches', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_journal_batches_at'), ['at'], unique=False)


def downgrade() -> None:
    with op.batch_alter_table('journal_batches', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_journal_batches_at'))

    op.drop_table('journal_batches')
