"""A test suite as a derivation runs it: record, join, judge."""
