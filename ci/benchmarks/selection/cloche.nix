# The environments of `ci/bench selection`, as packages of a flake that it makes in its folder.
{ config, ... }:
let
  inherit (config.cloche.build) environment selection;
in
{
  cloche.src = ./.;
  packages = {
    suites = environment {
      name = "bench-selection";
      packages = selection.names "default";
    };
    cosmic-ray = environment {
      name = "bench-cosmic-ray";
      packages = selection.namesOf [
        "default"
        "cosmic-ray"
      ];
    };
    learned = environment {
      name = "bench-learned";
      packages = selection.namesOf [
        "default"
        "learned"
      ];
    };
  };
}
