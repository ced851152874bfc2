# Options and outputs: the SBOM of `packages.default`, and the check that it is valid and complete.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.cloche;
  component = types.submodule {
    options = {
      path = mkOption {
        type = types.raw;
        description = "The derivation or store path that holds the package.";
      };
      name = mkOption {
        type = types.nonEmptyStr;
        description = "The package's name.";
      };
      version = mkOption {
        type = types.nonEmptyStr;
        description = "Its version.";
      };
      purl = mkOption {
        type = types.nullOr types.nonEmptyStr;
        default = null;
        example = "pkg:generic/openblas@0.3.28";
        description = "Its package URL.";
      };
      sha256 = mkOption {
        type = types.nullOr (types.strMatching "[0-9a-f]{64}");
        default = null;
        description = "The sha256 of the published file, in hexadecimal.";
      };
      license = mkOption {
        type = types.nullOr types.nonEmptyStr;
        default = null;
        example = "BSD-3-Clause";
        description = "Its licence, as an SPDX expression.";
      };
    };
  };
  sbom = cfg.sbom.of { roots = [ config.packages.default ]; };
  check =
    what: sbom:
    import ../checks/sbom.nix { inherit (cfg) toolchain; } {
      name = "${cfg.name}-${what}-check";
      inherit sbom;
    };
in
{
  options.cloche.sbom = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether `packages.sbom` and `checks.sbom` are made: what `packages.default` consists of, as CycloneDX 1.6 and SPDX 2.3.";
    };
    components = mkOption {
      type = types.listOf component;
      default = [ ];
      description = "Packages in the closure that are from no lock and no toolchain; a path of which nothing is known is an error.";
    };
    checked = mkOption {
      type = types.listOf types.raw;
      internal = true;
      default = [ ];
      description = "Further SBOMs that `checks.sbom` looks at, such as those of images.";
    };
    of = mkOption {
      type = types.raw;
      internal = true;
      readOnly = true;
      description = "Makes the SBOM of any closure (pkgs/sbom/of.nix); other modules take it from here.";
    };
  };
  config = {
    cloche.sbom.of = import ../pkgs/sbom/of.nix {
      inherit cfg;
      revision = cfg.flake.rev or null;
    };
    packages = lib.mkIf cfg.sbom.enable { inherit sbom; };
    checks = lib.mkIf cfg.sbom.enable {
      sbom =
        cfg.toolchain.runBash {
          name = "${cfg.name}-sbom-check";
          checks = map (check "sbom") ([ sbom ] ++ cfg.sbom.checked);
          script = "cat $checks; cat $checks > $out";
        }
        // {
          build = check "sbom-build" sbom.build;
        };
    };
  };
}
