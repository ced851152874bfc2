"""Telemetry: what tests did, when, on which change and in which environment, in SQLite or PostgreSQL."""
