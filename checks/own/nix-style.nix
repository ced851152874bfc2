# Passes when the repository's own Nix files keep the rules of the house.
{ toolchain }:
toolchain.runPython {
  name = "nix-style";
  script = ../../ci/house/nix_style.py;
  source = import ./files.nix "nix-files" "nix";
  names = builtins.attrNames (import ../../lib);
}
