# Passes when every recorded test passed; else shows which failed, why, and where the whole record is.
{ toolchain }:
{
  name,
  # packages.test-results
  results,
}:
toolchain.runPython {
  inherit name results;
  script = ../python/src/cloche/judge_tests.py;
}
