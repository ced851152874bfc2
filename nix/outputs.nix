# The output kinds, for a flake without flake-parts, which has options of the same names.
{ lib, ... }:
let
  outputs =
    description:
    lib.mkOption {
      type = lib.types.lazyAttrsOf lib.types.raw;
      default = { };
      inherit description;
    };
in
{
  options = {
    packages = outputs "Derivations for `nix build`.";
    checks = outputs "Derivations that `nix flake check` builds.";
    devShells = outputs "Derivations for `nix develop`.";
    apps = outputs "Programs for `nix run`.";
    legacyPackages = outputs "Anything else, by system.";
  };
}
