# An environment: the symbolic links that make one Python prefix out of unpacked wheels.
{ toolchain }:
{
  name,
  # Unpacked wheels, in any order.
  wheels,
  # Further links in the prefix: { "bin/git" = "/nix/store/..."; }
  links ? { },
}:
toolchain.runPython {
  inherit name wheels links;
  script = ../../python/src/cloche/environment/environment.py;
  inherit (toolchain.python) interpreter version sitePackages;
  fullVersion = toolchain.python.full;
}
