# Outputs: benchmarks of two revisions, measured side by side, and the verdict on them.
{ config, lib, ... }:
let
  cfg = config.cloche;
  inherit (cfg) toolchain;
  judge = import ../../pkgs/performance.nix { inherit toolchain; };
  programs = import ../../pkgs/programs.nix { inherit toolchain; };
  given =
    if cfg.base == null then
      null
    else
      {
        src = cfg.base;
        revision = null;
      };
  # against : { src, revision } or null -> name -> derivation
  against =
    base:
    builtins.mapAttrs (
      name: benchmark:
      judge {
        name = "${cfg.name}-performance-${name}";
        benchmark = name;
        valgrind = cfg.build.role "valgrind";
        sides = {
          head = cfg.build.environmentOf "benchmark" benchmark.groups;
        }
        // lib.optionalAttrs (base != null) {
          base = cfg.environmentAt base.src "benchmark" benchmark.groups;
        };
        revisions = {
          base = base.revision or null;
          head = cfg.flake.rev or null;
        };
        inherit (benchmark)
          suite
          arguments
          command
          setUp
          variables
          programs
          instruments
          gate
          effect
          runs
          ;
        files = map (
          path:
          import ../../pkgs/python/project-files.nix {
            inherit (cfg) src;
            inherit path;
            option = "cloche.performance.${name}";
          }
        ) (lib.unique (benchmark.suite ++ benchmark.files));
      }
    ) (builtins.seq cfg.build cfg.performance);
  folder =
    base:
    import ../../pkgs/python/named-folders.nix { inherit toolchain; } {
      name = "${cfg.name}-performance";
      option = "cloche.performance";
      folders = against base;
    };
in
{
  imports = [ ./options.nix ];
  config = lib.mkIf (cfg.performance != { }) {
    cloche.lockedRoles = [ "valgrind" ];
    assertions =
      [
        {
          assertion = !cfg.performance ? against;
          message = "cloche.performance.against can't have this name: derivations have an attribute of that name; choose another";
        }
      ]
      ++ map (name: {
        assertion = (cfg.performance.${name}.suite == [ ]) != (cfg.performance.${name}.command == [ ]);
        message = "cloche.performance.${name} must have a suite or a command, and not both; set one of them";
      }) (builtins.attrNames cfg.performance)
      ++ map (name: {
        assertion = builtins.match "[A-Za-z][A-Za-z0-9_-]*" name != null;
        message = "cloche.performance has a benchmark called \"${name}\"; a name begins with a letter and goes on with letters, digits, _ and -";
      }) (builtins.attrNames cfg.performance);
    packages.performance = folder given // {
      # What `nix run .#performance -- --base REV` asks for: a function of another revision, { src, revision }.
      against = folder;
    };
    checks.performance = import ../../checks/performance.nix { inherit toolchain; } {
      name = "${cfg.name}-performance";
      comparisons = against given;
      valgrind = cfg.build.role "valgrind";
    };
    apps.performance = {
      type = "app";
      program = programs.comparing "performance" cfg.directory;
      meta.description = "Measure benchmarks, and compare them with another revision";
    };
  };
}
