# Passes when imports.json says what the library's modules import, and when its packages keep to their layers.
{ toolchain }:
let
  own = import ../../pkgs/python/cloche.nix { inherit toolchain; };
in
toolchain.runPython {
  name = "cloche-imports";
  script = ../../ci/house/imports.py;
  path = own.librariesOf [ "grimp" ];
  source = builtins.path {
    path = ../../python/src;
    name = "cloche-modules";
    filter = file: type: type != "directory" || baseNameOf file != "__pycache__";
  };
}
