# Runs a pytest suite and records what it did: out (outcomes.json, junit.xml: the same for every run) and log (pytest's
# words and the durations). It succeeds when tests fail; it fails when there is nothing to record.
{ toolchain }:
{
  name,
  environment,
  # A folder: tests, their configuration and data.
  source,
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
    arguments
    variables
    programs
    attempt
    ;
  script = ../python/src/cloche/record_tests.py;
  outputs = [
    "out"
    "log"
  ];
}
