# Runs a pytest suite, or a batch of its files, and records what it did: out (outcomes.json, junit.xml: the same for
# every run) and log (pytest's words and the durations). It succeeds when tests fail; it fails when there is nothing to
# record, and when a batch looks for what it has not been given.
{ toolchain }:
{
  name,
  # With pytest and the tracer (pkgs/tests/suite.nix).
  environment,
  # A folder: tests, their configuration and data.
  source,
  # What of the tree this is: { files, leave, modules, recorded, timeout } (python/src/cloche/suite/record.py).
  closure,
  # Prefixes that the environment has the project's modules from.
  prefixes,
  arguments ? [ ],
  variables ? { },
  programs ? [ ],
  scratch ? [ ],
  reruns ? 0,
  attempt ? 0,
  # Whether to note which test ran which lines, for coverage.json.
  coverage ? false,
}:
toolchain.runPython {
  inherit
    name
    environment
    source
    closure
    prefixes
    arguments
    variables
    programs
    scratch
    reruns
    attempt
    coverage
    ;
  script = ../../python/src/cloche/suite/record.py;
  path = [ (import ../python/modules.nix [ "suite/record.py" ]) ];
  inherit (toolchain.python) sitePackages;
  outputs = [
    "out"
    "log"
  ];
}
