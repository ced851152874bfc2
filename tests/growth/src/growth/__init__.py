"""Growth rates from counts."""
