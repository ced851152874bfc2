# Runs an experiment and records what it computed: out (result.FORMAT and platform.json: the same on every machine that
# the pins make equal) and log (its words, durations, the processor). It fails when there is nothing to record.
{ toolchain }:
let
  own = import ../python/cloche.nix { inherit toolchain; };
in
{
  name,
  # Its name among the options.
  experiment,
  command,
  # The file that the command writes, and its format.
  result,
  format,
  environment,
  # Folders with files of the project, which are put together.
  files,
  variables,
  programs,
  # nix/regression/types.nix, pins
  pins,
  # Which baselines the result belongs to.
  class,
}:
toolchain.runPython {
  inherit
    name
    experiment
    command
    result
    format
    environment
    files
    variables
    programs
    pins
    class
    ;
  script = ../../python/src/cloche/regression/run.py;
  path = [
    (own.modules [ "regression/run.py" ])
  ];
  probe = builtins.path {
    path = ../../python/src/cloche/regression/probe.py;
    name = "probe.py";
  };
  threadpoolctl = "${own.package "threadpoolctl"}/${toolchain.python.sitePackages}/threadpoolctl.py";
  outputs = [
    "out"
    "log"
  ];
}
