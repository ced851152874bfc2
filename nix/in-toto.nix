# Output: `packages.in-toto`, the links and the layout of the steps that lead to what is delivered. They are signed, and
# the layout given its expiry date, by `cloche sign`.
{ config, lib, ... }:
let
  cfg = config.cloche;
  make = import ../pkgs/provenance/in-toto.nix { inherit (cfg) toolchain; };
  artifact = at: path: {
    inherit at path;
    from = null;
    same = { };
  };
  file =
    name: path:
    artifact name (
      builtins.path {
        inherit name path;
      }
    );
  lock = file "cloche.lock" cfg.python.lock;
  wheel = artifact "" cfg.build.wheel;
  made = step: entry: entry // { from = step; };
  # A folder of the project, whose pyproject.toml must be the one that was locked.
  project = at: path: artifact at path // { same."pyproject.toml" = "lock"; };
  results = config.packages.test-results;
  build = attribute: [
    "nix"
    "build"
    ".#${attribute}"
  ];
in
{
  config.packages = lib.mkIf cfg.provenance.enable {
    in-toto = make {
      name = "${cfg.name}-in-toto";
      steps = [
        {
          name = "lock";
          command = [
            "nix"
            "run"
            ".#lock"
          ];
          materials = [ (file "pyproject.toml" (cfg.src + "/pyproject.toml")) ];
          products = [ lock ];
        }
        {
          name = "build";
          command = build "wheel";
          materials = [
            (made "lock" lock)
            (project "source" cfg.build.source)
          ];
          products = [ wheel ];
        }
      ]
      ++ lib.optional cfg.tests.enable {
        name = "test";
        command = build "test-results";
        materials = [
          (made "lock" lock)
          (made "build" wheel)
          (project "tests" cfg.tests.run.source)
        ];
        products = [ (artifact "outcomes.json" "${results}/outcomes.json") ];
      }
      ++ lib.optional (config.packages ? image) {
        name = "image";
        command = build "image";
        materials = [
          (made "lock" lock)
          (made "build" wheel)
        ];
        products = [ (artifact "manifest.json" "${config.packages.image}/manifest.json") ];
      };
    };
  };
}
