"""Images by the OCI image specification 1.1: layers, configuration and manifest, loading, and the registry's client."""
