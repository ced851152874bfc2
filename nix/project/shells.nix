# Options and outputs: development shells, with the project editable.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.cloche;
  inherit (cfg.build) selection;
  shell = import ../../pkgs/python/shell.nix { inherit (cfg) toolchain; };
  editable = import ../../pkgs/python/editable.nix { inherit (cfg) toolchain; } cfg;
  type = types.submodule {
    options = {
      groups = mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "dev" ];
        description = "Dependency groups besides the project's own dependencies.";
      };
      editable = mkOption {
        type = types.bool;
        default = !builtins.elem "cc" cfg.roles;
        defaultText = lib.literalExpression "whether config.cloche.roles has no \"cc\"";
        description = ''
          Whether the project is imported from the checkout (edits take effect at once) or as built. A project with
          compiled modules (the role `cc`) is taken as built, since the checkout has none.
        '';
      };
      programs = mkOption {
        type = types.listOf types.raw;
        default = [ ];
        description = "Further derivations whose bin/ is on PATH.";
      };
      variables = mkOption {
        type = types.attrsOf types.str;
        default = { };
        description = "Environment variables of the shell.";
      };
      hook = mkOption {
        type = types.lines;
        default = "";
        description = "Bash that runs when the shell starts.";
      };
    };
  };
  make =
    name: options:
    shell {
      inherit name;
      project = cfg.name;
      inherit (options) variables programs hook;
      directory = if options.editable then cfg.directory else null;
      environment = cfg.build.environment {
        name = "${cfg.name}-shell-${name}";
        packages = selection.namesOf ([ "default" ] ++ options.groups);
        more = if options.editable then [ editable ] else [ cfg.build.unpacked ];
      };
    };
in
{
  options.cloche.shells = mkOption {
    type = types.attrsOf type;
    default = { };
    example = {
      notebook.groups = [ "notebook" ];
    };
    description = ''
      Shells for `nix develop .#NAME`. Three are always there: `default` (the group `dev` where the lock has it),
      `full` (all groups) and `ci` (what the checks need, the project as built).
    '';
  };
  config.cloche.shells = {
    default.groups = lib.mkDefault (lib.optional (builtins.elem "dev" selection.groups) "dev");
    full.groups = lib.mkDefault (lib.subtractLists [ "default" ] selection.groups);
    ci = {
      editable = lib.mkDefault false;
      groups = lib.mkDefault (
        lib.optionals cfg.tests.enable cfg.tests.groups
        ++ lib.optionals cfg.lint.enable cfg.lint.groups
        ++ lib.optionals cfg.types.enable cfg.types.groups
      );
    };
  };
  config.devShells = builtins.mapAttrs make cfg.shells;
}
