# One run of the whole suite that finds out what each test file needs; `trace-tests` makes cloche-tests.json of it.
{ toolchain }:
{
  name,
  environment,
  # The folder of the tests.
  source,
  # The unpacked wheel, and the sources that it is built from.
  project,
  projectSource,
  # lib/tests/collection.nix
  collection,
  arguments,
  variables,
  scratch,
  programs,
}:
toolchain.runPython {
  inherit
    name
    environment
    source
    project
    projectSource
    collection
    arguments
    variables
    scratch
    programs
    ;
  prefixes = [ project ];
  script = ../../python/src/cloche/trace/record.py;
  path = [ (import ../python/modules.nix [ "trace/record.py" ]) ];
  inherit (toolchain.python) sitePackages;
}
