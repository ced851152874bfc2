# Options and outputs: the SBOM of `packages.default`, and the check that it is valid and complete.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.cloche;
  make = import ../pkgs/sbom.nix { inherit (cfg) toolchain; };
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
  default = config.packages.default;
  sbom = cfg.sbom.of { roots = [ default ]; };
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
    of = mkOption {
      type = types.raw;
      internal = true;
      readOnly = true;
      description = "Makes the SBOM of any closure: { roots, name, version, kind, image, made } -> derivation.";
    };
  };
  config = {
    cloche.sbom.of =
      {
        # Derivations whose closure it is.
        roots,
        name ? cfg.name,
        version ? if cfg.version == null then "dev" else cfg.version,
        kind ? "application",
        # The folder of an image, whose `digest` names the subject.
        image ? null,
        # Derivations besides the roots that hold nothing published.
        made ? [ ],
      }:
      make {
        inherit
          name
          version
          kind
          roots
          image
          ;
        known = import ../pkgs/sbom-known.nix {
          inherit (cfg) toolchain build;
          declared = cfg.sbom.components;
          # An application's environment is made of links and scripts alone, as the application itself is.
          made = roots ++ builtins.filter lib.isDerivation (map (root: root.environment or null) roots) ++ made;
        };
        inherit (cfg.build) wheel;
        revision = cfg.flake.rev or null;
      };
    packages = lib.mkIf cfg.sbom.enable { inherit sbom; };
    checks = lib.mkIf cfg.sbom.enable {
      sbom = import ../checks/sbom.nix { inherit (cfg) toolchain; } {
        name = "${cfg.name}-sbom-check";
        inherit sbom;
      };
    };
  };
}
