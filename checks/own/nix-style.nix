# Passes when the repository's own Nix files keep the rules of the house.
{ toolchain }:
let
  wanted =
    file: type:
    let
      name = baseNameOf file;
    in
    if type == "directory" then
      builtins.substring 0 1 name != "." && name != "result"
    else
      builtins.match ".*\\.nix" name != null;
in
toolchain.runPython {
  name = "nix-style";
  script = ../../ci/house/nix_style.py;
  source = builtins.path {
    path = ../../.;
    name = "nix-files";
    filter = wanted;
  };
  names = builtins.attrNames (import ../../lib);
}
