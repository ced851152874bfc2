"""What a store path consists of: its closure, the published packages in it, and their SBOM in two formats."""
