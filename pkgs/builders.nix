# The two Python tools that builders import, from Cloche's own lock: PyPA's installer and pyproject-hooks.
{ toolchain, source }:
let
  lock = builtins.fromJSON (builtins.readFile ../python/cloche.lock);
  locked =
    lock.environments.${toolchain.system}.${toolchain.python.version}
      or (throw "Cloche's own lock has nothing for Python ${toolchain.python.version} on ${toolchain.system}");
  # Both are pure wheels without scripts and data, so that unpacking the archive is installing them.
  tool =
    name:
    toolchain.runPython {
      inherit name;
      script = ../python/src/cloche/unzip.py;
      source = source name locked.packages.${name};
    };
in
{
  installer = tool "installer";
  pyproject-hooks = tool "pyproject-hooks";
}
