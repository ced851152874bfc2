# The two Python tools that builders import, from Cloche's own lock: PyPA's installer and pyproject-hooks.
{ toolchain, source }:
let
  lock = builtins.fromJSON (builtins.readFile ../python/cloche.lock);
  locked =
    lock.environments.${toolchain.system}.${toolchain.python.version}
      or (throw "Cloche's own lock has nothing for Python ${toolchain.python.version} on ${toolchain.system}");
  archive = import ./python-modules.nix "cloche-archive" [
    "archive.py"
    "archive_limits.py"
  ];
  # Both are pure wheels without scripts and data, so that unpacking the archive is installing them.
  tool =
    name: package: modules:
    toolchain.runPython {
      inherit name modules;
      script = ../python/src/cloche/unzip.py;
      path = [ archive ];
      source = source package locked.packages.${package};
    };
in
{
  # What unpacks wheels, compiled once for all of them: installer, and Cloche's own modules.
  unpacker = tool "wheel-unpacker" "installer" [
    (import ./python-modules.nix "cloche-unpacker" [
      "archive.py"
      "archive_limits.py"
      "untrusted/__init__.py"
      "untrusted/entry_points.py"
      "wheel.py"
    ])
  ];
  pyproject-hooks = tool "pyproject-hooks" "pyproject-hooks" [ ];
}
