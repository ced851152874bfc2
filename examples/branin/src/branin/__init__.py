"""Bayesian optimisation of the Branin function, with random search and a grid as rivals."""

__version__ = "1.0.0"
