# The application: the project's own entry points, and nothing else in bin/.
{ toolchain }:
{
  name,
  version,
  # The project's unpacked wheel, and the environment that its entry points run in.
  project,
  environment,
}:
toolchain.runPython {
  name = "${name}-${version}";
  script = ../../python/src/cloche/environment/application.py;
  inherit project environment;
}
