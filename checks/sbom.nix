# Passes when an SBOM is valid by the schemas of both formats, and lists what the closure holds: all, and nothing else.
{ toolchain }:
let
  own = import ../pkgs/python/cloche.nix { inherit toolchain; };
in
{
  name,
  # pkgs/sbom/default.nix; the closure and what is known of it are taken from there.
  sbom,
}:
toolchain.runPython {
  inherit name sbom;
  script = ../python/src/cloche/sbom/check.py;
  path = [
    (own.libraries "sbom" [ "sbom" ])
    # For SPDX's schema.
    "${own.package "lib4sbom"}/${toolchain.python.sitePackages}"
    (own.modules [ "sbom/check.py" ])
  ];
  inherit (sbom)
    roots
    image
    known
    scope
    locked
    exportReferencesGraph
    ;
}
