# Runs commands of an environment in a copy of a source tree; passes when all of them end with 0. All are run, so that
# one failure does not hide another.
{ toolchain }:
{
  name,
  source,
  environment,
  # Each a list of words.
  commands,
}:
toolchain.runPython {
  inherit
    name
    source
    environment
    commands
    ;
  script = ../python/src/cloche/run_commands.py;
}
