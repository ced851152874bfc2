# One wheel, unpacked into a prefix of its own and byte-compiled.
{ toolchain, installer }:
{
  # What the store path is called: name and version.
  name,
  version,
  # The wheel's own file name, and the store path that holds it.
  file,
  source,
  bytecode ? true,
}:
toolchain.runPython {
  name = "${name}-${version}";
  script = ../python/src/cloche/wheel.py;
  path = [ installer ];
  inherit file source bytecode;
  inherit (toolchain) loader libraries;
  inherit (toolchain.tools) patchelf;
  inherit (toolchain.python) sitePackages;
}
