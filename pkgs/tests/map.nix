# The impact map: which test runs which functions, for select-tests.
{ toolchain }:
{
  name,
  # packages.test-results, with coverage
  results,
  # With the project as the wheel has it.
  environment,
  # The project's folder.
  source,
}:
toolchain.runPython {
  inherit
    name
    results
    environment
    source
    ;
  script = ../../python/src/cloche/selection/impact/make_map.py;
  path = [ (import ../python/modules.nix [ "selection/impact/make_map.py" ]) ];
  inherit (toolchain.python) sitePackages;
}
