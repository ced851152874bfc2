# The records of several batches as one, of the same form (pkgs/tests/results.nix).
{ toolchain }:
{
  name,
  # Recordings, by the name of their batch.
  batches,
  # Where batches were not given all packages: { table, wheels }, what the record says that they offer, and they
  # themselves; else null.
  packages ? null,
}:
toolchain.runPython {
  inherit name packages;
  inherit (toolchain.python) sitePackages;
  path = [ (import ../python/modules.nix [ "suite/join.py" ]) ];
  results = builtins.mapAttrs (_: batch: batch.out) batches;
  logs = builtins.mapAttrs (_: batch: batch.log) batches;
  script = ../../python/src/cloche/suite/join.py;
  outputs = [
    "out"
    "log"
  ];
}
