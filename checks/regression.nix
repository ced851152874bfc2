# Passes when each experiment's result is identical to its baseline, within its tolerances, or has improved.
{ toolchain }:
{
  name,
  # name -> pkgs/regression/default.nix
  comparisons,
}:
toolchain.runPython {
  inherit name comparisons;
  script = ../python/src/cloche/regression/check.py;
}
