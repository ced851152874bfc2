# Runs a pytest suite under chaos with one seed and records what came of it: out (chaos.json: the same in each run) and
# log (pytest's words and the durations). It succeeds when tests fail; it fails when there is nothing to record.
{ toolchain }:
let
  recorder = import ./python/modules.nix [
    "chaos/record.py"
    "chaos/plugin.py"
  ];
in
{
  name,
  environment,
  # A folder: tests, their configuration and data.
  source,
  seed,
  rate,
  # Types of faults.
  types,
  # Packages below whose functions calls can fail; all where it is empty.
  only,
  # Seconds after which a test is hung.
  deadline,
  # The role `chaos`, where compiled code is to meet faults; or null.
  libfiu ? null,
  arguments ? [ ],
  variables ? { },
  programs ? [ ],
  attempt ? 0,
}:
toolchain.runPython {
  inherit
    name
    environment
    source
    seed
    rate
    types
    only
    deadline
    arguments
    variables
    programs
    attempt
    ;
  preload =
    if libfiu == null then
      [ ]
    else
      [
        # By its path first: the other one, for which the loader would search, then finds it loaded.
        "${libfiu}/usr/lib/libfiu.so.0"
        "${libfiu}/usr/lib/fiu/fiu_posix_preload.so"
      ];
  chaos = recorder;
  path = [ recorder ];
  script = ../python/src/cloche/chaos/record.py;
  outputs = [
    "out"
    "log"
  ];
}
