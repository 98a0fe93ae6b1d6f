"""Which versions of models draw; keys that may everything may choose them."""

import sqlalchemy as sa
from alembic import op

revision = "5"
down_revision = "4"

_ALL = {
    "models:read",
    "pictures:read",
    "pictures:make",
    "pictures:change",
    "jobs:read",
    "jobs:make",
    "keys:administer",
    "people:administer",
    "audit:read",
    "metrics:read",
}


def upgrade():
    """Make the table; an administrator's key stays one."""
    op.create_table(
        "rollouts",
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("canary", sa.Integer(), nullable=True),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "model", name="pk_rollouts"),
    )
    keys = sa.table("keys", sa.column("id", sa.String), sa.column("scopes", sa.JSON))
    for key_id, scopes in op.get_bind().execute(sa.select(keys.c.id, keys.c.scopes)).all():
        if set(scopes) >= _ALL:
            more = sorted({*scopes, "models:administer"})
            op.execute(keys.update().where(keys.c.id == key_id).values(scopes=more))
