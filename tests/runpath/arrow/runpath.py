"""Wheels whose libraries have a DT_RUNPATH, imported and used in a test."""
