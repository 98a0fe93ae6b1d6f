"""Each picture has a file to itself."""

import sqlalchemy as sa
from alembic import op

revision = "3"
down_revision = "2"


def upgrade():
    """Make the column; pictures that are there keep the files they share."""
    op.add_column("pictures", sa.Column("own_file", sa.String(length=200), nullable=False, server_default=""))
