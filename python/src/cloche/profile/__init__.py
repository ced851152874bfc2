"""Profiles of experiments and tests, from samples of their stacks."""
