# flakeModules.default: the same module files for every system of a flake-parts flake.
{ self, ... }:
{
  perSystem = {
    imports = import ./default.nix;
    cloche.flake = self;
  };
}
