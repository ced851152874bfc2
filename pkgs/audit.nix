# The audit of an SBOM on a fixed day: a folder with report.json, report.txt and vex.cdx.json, whatever the verdict.
{ toolchain }:
let
  own = import ./cloche.nix { inherit toolchain; };
in
{
  name,
  # pkgs/sbom.nix
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
  script = ../python/src/cloche/audit/record.py;
  path = [
    (own.libraries "audit" [ "audit" ])
    (own.modules "cloche-audit" [
      "archive_limits.py"
      "audit"
      "errors.py"
      "limits.py"
      "regular_file.py"
      "strict_json.py"
      "untrusted/__init__.py"
      "untrusted/shapes.py"
      "untrusted/spelling.py"
      "untrusted/terminal.py"
      "untrusted/toml.py"
      "untrusted/walk.py"
    ])
  ];
}
