"""when a codelab run began.

Revision 5b8e02d7c4f1 follows 9b2e57c1d0a4.
"""

import sqlalchemy as sa
from alembic import op


revision = '5b8e02d7c4f1'
down_revision = '9b2e57c1d0a4'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('users', sa.Column('run_began_at', sa.Double(), nullable=True))


def downgrade() -> None:
    op.drop_column('users', 'run_began_at')
