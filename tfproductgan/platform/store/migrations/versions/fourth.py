"""Rating pages and what people answered; people whom an issuer of OpenID Connect signs in."""

import sqlalchemy as sa
from alembic import op

revision = "4"
down_revision = "3"


def upgrade():
    """Make the two tables and the column."""
    op.create_table(
        "rating_pages",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("page", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("created", sa.Float(precision=53), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "page", name="pk_rating_pages"),
    )
    op.create_table(
        "rating_answers",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("page", sa.String(length=200), nullable=False),
        sa.Column("rater", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("said", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "page", "rater", "number", name="pk_rating_answers"),
    )
    with op.batch_alter_table("people") as people:
        people.add_column(sa.Column("subject", sa.String(length=500), nullable=True))
        people.create_unique_constraint("uq_people_subject", ["subject"])
