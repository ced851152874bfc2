# flakeModules.default: the same module files for every system of a flake-parts flake.
{
  perSystem.imports = import ./modules.nix;
}
