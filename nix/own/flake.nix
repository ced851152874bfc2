# The outputs of Cloche's own flake: what other flakes import, and python/ built by the same module as any project.
inputs@{ self, ... }:
let
  mkFlake = import ../mk-flake.nix;
in
mkFlake { inherit self; } {
  imports = [
    ../../cloche.nix
    ./default.nix
    ./style.nix
  ];
}
// {
  lib = (import ../../lib) // {
    inherit mkFlake;
  };
  flakeModules.default = ../flake-parts.nix;
  templates = {
    default = {
      path = ../../templates/default;
      description = "A Python project under Cloche, without nixpkgs";
    };
    flake-parts = {
      path = ../../templates/flake-parts;
      description = "A Python project under Cloche and flake-parts";
    };
  };
}
