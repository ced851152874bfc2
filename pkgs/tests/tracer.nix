# What every Python of a test environment imports: it sees what tests look for, and with `coverage` which test runs
# which lines.
{ toolchain }:
{ coverage }:
toolchain.runPython {
  name = "test-tracer";
  script = ../../python/src/cloche/trace/install_hooks.py;
  # Where the builds of a sandbox have their folder (suite/run.py writes it).
  configuration = "/build/cloche-trace.json";
  modules = import ../python/modules.nix (
    [ "trace/hooks/plugin.py" ] ++ (if coverage then [ "selection/impact/contexts.py" ] else [ ])
  );
  inherit (toolchain.python) sitePackages;
}
