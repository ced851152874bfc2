# The records of several batches as one, of the same form (pkgs/test-results.nix).
{ toolchain }:
{
  name,
  # Recordings, by the name of their batch.
  batches,
}:
toolchain.runPython {
  inherit name;
  results = builtins.mapAttrs (_: batch: batch.out) batches;
  logs = builtins.mapAttrs (_: batch: batch.log) batches;
  script = ../python/src/cloche/join_tests.py;
  outputs = [
    "out"
    "log"
  ];
}
