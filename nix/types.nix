# Options and output: mypy over the project, `checks.types`.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.cloche;
  check = import ../checks/command.nix { inherit (cfg) toolchain; };
in
{
  options.cloche.types = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether mypy checks the project, with the project's own configuration.";
    };
    groups = mkOption {
      type = types.listOf types.str;
      default = [ "types" ];
      description = "The dependency groups that hold mypy and the stubs that it needs.";
    };
    arguments = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "src" ];
      description = "Arguments of mypy; without any it takes `files` from the project's configuration.";
    };
  };
  config = lib.mkIf cfg.types.enable {
    checks.types = check {
      name = "${cfg.name}-types";
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
      # With the project's dependencies, so that their types are known; without the project, which is the source.
      environment = cfg.build.environment {
        name = "${cfg.name}-types-environment";
        packages = cfg.build.selection.namesOf ([ "default" ] ++ cfg.types.groups);
      };
      commands = [
        (
          [
            "mypy"
            "--cache-dir=/dev/null"
          ]
          ++ cfg.types.arguments
        )
      ];
    };
  };
}
