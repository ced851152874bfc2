# Options and output: the project built a second time under other circumstances, `checks.reproducible`.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.cloche;
  reproducible = import ../checks/reproduce.nix { inherit (cfg) toolchain; };
  # All that the project's own outputs are built from, by another toolchain.
  projectOf =
    toolchain:
    import ../pkgs/python/project.nix {
      inherit toolchain;
      inherit (cfg.build) selection;
      storeName = import ../lib/lock/store-name.nix;
      settings = cfg;
    };
in
{
  options.cloche.reproduce = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether `checks.reproducible` builds the wheel, the sdist and the application a second time under other
        circumstances and compares the bytes. (The app `reproduce`, which needs no option, does that for any output.)
      '';
    };
    variations = mkOption {
      type = types.listOf (types.enum (builtins.attrNames reproducible.variables));
      default = builtins.attrNames reproducible.variables;
      defaultText = lib.literalExpression "all";
      example = [
        "date"
        "hashseed"
      ];
      description = "What is different for the second build.";
    };
  };
  config = lib.mkIf cfg.reproduce.enable {
    # libfaketime and the sources of locales.
    cloche.lockedRoles = [ "reproduce" ];
    checks.reproducible = reproducible.check {
      name = "${cfg.name}-reproducible";
      inherit (cfg.reproduce) variations;
      outputsOf =
        toolchain:
        let
          project = projectOf toolchain;
        in
        [
          project.wheel
          project.sdist
          project.unpacked
          project.application
        ];
    };
  };
}
