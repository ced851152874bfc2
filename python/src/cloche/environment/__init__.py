"""Wheels and environments: unpack, build, place, put together."""
