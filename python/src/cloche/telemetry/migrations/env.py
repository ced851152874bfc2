"""What Alembic runs for a migration: the scripts, on the connection that the store hands over."""

from alembic import context

from cloche.telemetry.models import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
# The transaction is the store's own, which holds the lock as well.
context.run_migrations()
