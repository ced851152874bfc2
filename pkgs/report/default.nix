# The report: a folder with index.html and what it needs, report.json, report.md and the artifacts that it is made of.
{ toolchain }:
let
  own = import ../python/cloche.nix { inherit toolchain; };
in
{
  name,
  # What is reported, as python/src/cloche/report/sources.py reads it; null for what is not configured.
  sources,
}:
toolchain.runPython {
  inherit name sources;
  script = ../../python/src/cloche/report/build.py;
  path = [
    (own.libraries "report" [ "report" ])
    (own.modules [ "report/build.py" ])
  ];
  # It names store paths; that is no reason to keep what they name.
  unsafeDiscardReferences.out = true;
}
