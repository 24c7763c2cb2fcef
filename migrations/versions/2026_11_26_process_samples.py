"""process samples.

Revision 71d4f0b96c2e follows d7a4e1c85b32; made 2026-11-26 08:00:00.
"""

import sqlalchemy as sa
from alembic import op


revision = '71d4f0b96c2e'
down_revision = 'd7a4e1c85b32'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('process_samples',
    sa.Column('process_id', sa.String(length=36), nullable=False),
    sa.Column('at', sa.Double(), nullable=False),
    sa.Column('data', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('process_id', name=op.f('pk_process_samples'))
    )


def downgrade() -> None:
    op.drop_table('process_samples')
