# Passes when every recorded test passed; else shows which failed, why, and where the whole record is.
{ toolchain }:
{
  name,
  # packages.test-results
  results,
  # Tests whose failure does not count for a while: { test = { until, reason }; }, and the date that this is held
  # against.
  quarantine ? { },
  date ? null,
}:
toolchain.runPython (
  {
    inherit name results;
    script = ../python/src/cloche/suite/judge.py;
    path = [ (import ../pkgs/python/modules.nix [ "suite/judge.py" ]) ];
  }
  # Without a quarantine the verdict does not change with the date.
  // (if quarantine == { } then { } else { inherit quarantine date; })
)
