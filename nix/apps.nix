# Outputs: the programs that work on a project from outside of the sandbox.
{
  config,
  lib,
  system,
  ...
}:
let
  cfg = config.cloche;
  programs = import ../pkgs/programs.nix { inherit (cfg) toolchain; };
  app = description: program: {
    type = "app";
    inherit program;
    meta = { inherit description; };
  };
in
{
  apps = {
    cloche = app "Cloche's command line" "${programs.cloche}/bin/cloche";
    # Takes nothing from the lock, which may be missing or stale.
    lock = app "Make or check cloche.lock" (
      programs.lock {
        inherit (cfg) directory;
        python = cfg.python.version;
        inherit (cfg.python) sdists;
        roles = cfg.lockedRoles;
        systems = lib.unique ([ system ] ++ cfg.systems);
      }
    );
    fetch = app "Bring all sources of the lock into the store" programs.fetch;
    reproduce = app "Build outputs again under other circumstances, and compare" programs.reproduce;
    select-tests = app "Say which tests a change can affect, and run them" (
      programs.verb "select-tests"
    );
    sign = app "Sign statements about artifacts" (programs.verb "sign");
    telemetry = app "Keep what tests did, and show what they cost" (programs.verb "telemetry");
    trace-tests = app "Find out what each test file needs; write cloche-tests.json" (
      programs.traceTests { inherit (cfg) directory; }
    );
    train = app "Make a model of which tests a change breaks" (programs.verb "train");
    vendor = app "Copy all sources of the lock into a folder" programs.vendor;
    verify = app "Accept or refuse an artifact by a policy" (programs.verb "verify");
  };
}
