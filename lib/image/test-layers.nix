# image-layers.nix: which store paths make which layer.
lib:
let
  packages = {
    numpy = {
      path = "/numpy";
      size = 16000000;
    };
    click = {
      path = "/click";
      size = 100000;
    };
    scipy = {
      path = "/scipy";
      size = 35000000;
    };
    cycler = {
      path = "/cycler";
      size = 8000;
    };
  };
  plan =
    most: packages:
    map (layer: "${layer.name}: ${builtins.concatStringsSep " " layer.paths}") (
      lib.imageLayers {
        base = [ "/base" ];
        inherit packages most;
      }
    );
in
{
  own = true;
  cases = {
    "imageLayers: the largest first, light ones together" = {
      expr = plan 100 packages;
      expected = [
        "base: /base"
        "scipy: /scipy"
        "numpy: /numpy"
        "light: /click /cycler"
      ];
    };
    "imageLayers: where layers are few the largest keep theirs" = {
      expr = plan 3 packages;
      expected = [
        "base: /base"
        "scipy: /scipy"
        "light: /click /cycler /numpy"
      ];
    };
    "imageLayers: two are enough" = {
      expr = plan 2 packages;
      expected = [
        "base: /base"
        "light: /click /cycler /numpy /scipy"
      ];
    };
    "imageLayers: two thousand packages" = {
      expr = builtins.length (
        plan 96 (
          builtins.listToAttrs (
            builtins.genList (number: {
              name = "p${toString number}";
              value = {
                path = "/p${toString number}";
                size = 3000000;
              };
            }) 2000
          )
        )
      );
      expected = 96;
    };
    "imageLayers: no package at all" = {
      expr = plan 10 { };
      expected = [ "base: /base" ];
    };
  };
  errors = {
    "imageLayers: no room" = {
      expr = plan 1 packages;
      message = "at least 6 layers are needed";
    };
  };
}
