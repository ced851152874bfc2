"""Numerical regression: the results of an experiment compared with accepted ones, leaf by leaf."""
