"""`cloche verify`: the gate that fails closed."""
