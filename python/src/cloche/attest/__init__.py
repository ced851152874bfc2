"""In-toto statements about what Cloche built: provenance, test results, and how strangers' statements are read."""
