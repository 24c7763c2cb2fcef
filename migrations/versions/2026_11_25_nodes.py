"""nodes.

Revision 5d0c7a31b2e4 follows ee59953c6fb1; made 2026-11-25 16:25:00.
"""

import sqlalchemy as sa
from alembic import op


revision = '5d0c7a31b2e4'
down_revision = 'ee59953c6fb1'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('pns_nodes',
    sa.Column('node_uri', sa.String(length=255), nullable=False),
    sa.Column('heartbeat_at', sa.Double(), nullable=False),
    sa.PrimaryKeyConstraint('node_uri', name=op.f('pk_pns_nodes'))
    )


def downgrade() -> None:
    op.drop_table('pns_nodes')
