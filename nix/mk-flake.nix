# mkFlake : { self, systems ? [ ... ], lib ? Cloche's } -> module -> flake outputs
#
# What flake-parts does, for a flake that has no nixpkgs: the same module files, evaluated once per system.
{
  # The consumer's flake.
  self,
  systems ? [
    "x86_64-linux"
    "aarch64-linux"
  ],
  # Whose evaluator runs the modules.
  lib ? import ../lib,
}:
module:
let
  evaluate =
    system:
    (lib.evalModules {
      modules = [
        ./outputs.nix
        module
        { cloche.flake = self; }
      ]
      ++ import ./default.nix;
      specialArgs = { inherit self system; };
    }).config;
  perSystem = builtins.listToAttrs (
    map (system: {
      name = system;
      value = evaluate system;
    }) systems
  );
  kind = name: builtins.mapAttrs (_: config: config.${name}) perSystem;
in
builtins.listToAttrs (
  map
    (name: {
      inherit name;
      value = kind name;
    })
    [
      "packages"
      "checks"
      "devShells"
      "apps"
      "legacyPackages"
    ]
)
