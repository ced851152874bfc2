# Options and output: ruff over the project, `checks.lint`.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.cloche;
  check = import ../checks/command.nix { inherit (cfg) toolchain; };
in
{
  options.cloche.lint = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether ruff looks at the project, with the project's own configuration.";
    };
    groups = mkOption {
      type = types.listOf types.str;
      default = [ "lint" ];
      description = "The dependency groups that hold ruff.";
    };
    format = mkOption {
      type = types.bool;
      default = true;
      description = "Whether `ruff format --check` is part of it.";
    };
    paths = mkOption {
      type = types.listOf types.str;
      default = [ "." ];
      description = "What to look at, below `src`.";
    };
  };
  config = lib.mkIf cfg.lint.enable {
    checks.lint = check {
      name = "${cfg.name}-lint";
      source = import ../pkgs/python/source-tree.nix {
        path = cfg.src;
        name = "${cfg.name}-tree";
        exclude = [
          "cloche.lock"
          "cloche.nix"
          "flake.lock"
          "flake.nix"
        ];
      };
      environment = cfg.build.environment {
        name = "${cfg.name}-lint-environment";
        packages = cfg.build.selection.namesOf cfg.lint.groups;
      };
      commands = [
        (
          [
            "ruff"
            "check"
            "--no-cache"
          ]
          ++ cfg.lint.paths
        )
      ]
      ++ lib.optional cfg.lint.format (
        [
          "ruff"
          "format"
          "--no-cache"
          "--check"
          "--diff"
        ]
        ++ cfg.lint.paths
      );
    };
  };
}
