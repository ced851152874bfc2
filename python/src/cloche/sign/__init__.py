"""`cloche sign`: statements, signed by a key or by an identity."""
