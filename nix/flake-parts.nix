# flakeModules.default: the same module files for every system of a flake-parts flake.
{ self, ... }:
{
  perSystem = {
    imports = import ./modules.nix;
    cloche.flake = self;
  };
}
