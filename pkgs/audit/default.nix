# The audit of an SBOM on a fixed day: a folder with report.json, report.txt and vex.cdx.json, whatever the verdict.
{ toolchain }:
let
  own = import ../python/cloche.nix { inherit toolchain; };
in
{
  name,
  # pkgs/sbom/default.nix
  sbom,
  # A folder of advisories in the OSV format.
  advisories,
  # The tables of docs/audit.md.
  policy,
  # The day, "2026-12-31": a derivation has no clock.
  date,
}:
toolchain.runPython {
  inherit
    name
    sbom
    advisories
    policy
    date
    ;
  script = ../../python/src/cloche/audit/record.py;
  path = [
    (own.libraries "audit" [ "audit" ])
    (own.modules [ "audit/record.py" ])
  ];
}
