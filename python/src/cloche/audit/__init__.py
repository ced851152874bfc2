"""Known vulnerabilities and unwanted licences in what an SBOM lists, by a folder of OSV advisories and a policy."""
