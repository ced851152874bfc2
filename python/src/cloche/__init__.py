"""Cloche: hermetic, reproducible builds for scientific Python projects."""

__all__: list[str] = []
