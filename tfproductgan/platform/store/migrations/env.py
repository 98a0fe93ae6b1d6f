"""What alembic runs: the steps, on the connection that `Database.upgrade` holds."""

from alembic import context

from tfproductgan.platform.store.tables import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
context.run_migrations()
