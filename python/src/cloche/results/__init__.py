"""Files of results: read them, name what is in them."""
