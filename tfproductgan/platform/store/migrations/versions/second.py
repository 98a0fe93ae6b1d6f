"""How models drew when they were new here, and what nobody may ask for."""

import sqlalchemy as sa
from alembic import op

revision = "2"
down_revision = "1"


def upgrade():
    """Make the two tables."""
    measures = ("brightness", "brightness_deviation", "saturation", "saturation_deviation", "duplicates", "created")
    op.create_table(
        "model_looks",
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("model_id", sa.String(length=200), nullable=False),
        sa.Column("pictures", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Float(precision=53), nullable=False) for name in measures),
        sa.PrimaryKeyConstraint("model", "model_id", name="pk_model_looks"),
    )
    op.create_table(
        "forbidden_words",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("attribute", sa.String(length=200), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "attribute", "value", name="pk_forbidden_words"),
    )
