# One run of a PEP 517 backend: a folder that holds the wheel (or the sdist) of a source tree or an sdist.
{ toolchain, pyproject-hooks }:
{
  name,
  # "wheel" or "sdist".
  what ? "wheel",
  # The key of the lock's builds, for messages.
  project,
  # A folder, or a file; for a file its name as published.
  source,
  file ? "",
  # The build environment: an environment of the locked build requirements.
  environment,
  # Prefixes whose programs the build needs, such as the role `cc`.
  programs ? [ ],
  # Environment variables, and the backend's config_settings.
  variables ? { },
  settings ? { },
}:
toolchain.runPython {
  inherit
    name
    what
    project
    source
    file
    environment
    programs
    variables
    settings
    ;
  script = ../../python/src/cloche/environment/backend.py;
  path = [
    pyproject-hooks
    (import ./modules.nix [ "environment/backend.py" ])
  ];
}
