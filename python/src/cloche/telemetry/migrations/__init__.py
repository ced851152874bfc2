"""Alembic's scripts; the application of one is a transaction of `cloche.telemetry.store`."""
