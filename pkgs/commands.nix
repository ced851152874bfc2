# Runs commands of an environment in a copy of a source tree, and records what each said: commands.json. All are run, so
# that one failure does not hide another, and that one fails is no failure here.
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
  script = ../python/src/cloche/suite/run_commands.py;
}
