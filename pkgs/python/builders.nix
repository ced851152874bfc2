# The two Python tools that builders import, from Cloche's own lock: PyPA's installer and pyproject-hooks.
{ toolchain, source }:
let
  lock = builtins.fromJSON (builtins.readFile ../../python/cloche.lock);
  locked =
    lock.environments.${toolchain.system}.${toolchain.python.version}
      or (throw "Cloche's own lock has nothing for Python ${toolchain.python.version} on ${toolchain.system}");
  archive = import ./modules.nix [ "environment/unzip.py" ];
  # Both are pure wheels without scripts and data, so that unpacking the archive is installing them.
  tool =
    name: package: modules:
    toolchain.runPython {
      inherit name modules;
      script = ../../python/src/cloche/environment/unzip.py;
      path = [ archive ];
      source = source package locked.packages.${package};
    };
in
{
  # What unpacks wheels, compiled once for all of them: installer, and Cloche's own modules.
  unpacker = tool "wheel-unpacker" "installer" [
    (import ./modules.nix [ "environment/wheel.py" ])
  ];
  pyproject-hooks = tool "pyproject-hooks" "pyproject-hooks" [ ];
}
