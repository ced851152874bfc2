# Passes when every test has the same outcome in the whole tree and in its batch, and when the wheel without its modules
# is built like the whole one. For the adoption of cloche-tests.json, and nightly.
{ toolchain }:
{
  name,
  # The record of the whole suite in the whole tree, and that of its batches.
  whole,
  narrowed,
  # The project's unpacked wheel, and the one without modules, or null; where the modules are in site-packages.
  wheel,
  frame,
  modules,
}:
toolchain.runPython {
  inherit
    name
    whole
    narrowed
    wheel
    frame
    modules
    ;
  script = ../python/src/cloche/trace/compare.py;
  path = [
    (import ../pkgs/python/modules.nix [ "trace/compare.py" ])
  ];
  inherit (toolchain.python) sitePackages;
}
