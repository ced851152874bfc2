# Options and output: statements about where the outputs come from and how they were tested, `packages.provenance`.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.cloche;
  inherit (cfg) flake;
  make = import ../pkgs/provenance { inherit (cfg) toolchain; };
  check = import ../checks/provenance.nix { inherit (cfg) toolchain; };
  lock = import ../lib/lock/flake-lock.nix flake;
  output = attribute: {
    inherit attribute;
    package =
      config.packages.${attribute}
        or (throw "cloche.provenance.attributes names ${attribute}, but there is no packages.${attribute}; take it out, or configure what makes it");
    kind =
      if
        builtins.elem attribute [
          "wheel"
          "sdist"
        ]
      then
        "files"
      else if builtins.match "image(-.*)?" attribute != null then
        "image"
      else
        "tree";
    sbom =
      if attribute == "default" then
        config.packages.sbom or null
      else
        config.packages.${attribute}.sbom or null;
  };
  outputs = map output cfg.provenance.attributes;
in
{
  options.cloche.provenance = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether to make `packages.provenance`, statements to sign, and `checks.provenance`.";
    };
    source = mkOption {
      type = types.nullOr types.nonEmptyStr;
      default = null;
      example = "git+https://example.org/lab/branin";
      description = ''
        The flake reference under which others find this source, without a revision. Nothing inside a build can know
        it; a policy compares it.
      '';
    };
    builder = mkOption {
      type = types.strMatching "[a-z][a-z0-9+.-]*:[^[:space:]]+";
      default = "https://cloche.example/builders/unattested-local/v1";
      example = "https://example.org/lab/ci/v1";
      description = ''
        The URI of who builds, `builder.id`. The default says that nobody vouches for the machine (docs/provenance.md).
        A policy believes another one only together with the signer that it expects for it.
      '';
    };
    attributes = mkOption {
      type = types.listOf types.str;
      default = [
        "default"
        "wheel"
        "sdist"
      ]
      ++ map (name: if name == "default" then "image" else "image-${name}") (
        builtins.attrNames cfg.images
      );
      defaultText = lib.literalExpression "[ \"default\" \"wheel\" \"sdist\" ], and the images";
      description = "The packages of this flake that statements are made about.";
    };
    inputs = mkOption {
      type = types.listOf types.str;
      default = lock.names;
      defaultText = lib.literalExpression "the inputs that flake.nix names";
      example = [
        "cloche"
        "flake-parts/nixpkgs-lib"
      ];
      description = ''
        The flake's inputs that the build reads, each as its way through flake.lock. All are pinned by flake.lock, which
        the provenance lists by its own digest; those here are listed one by one.
      '';
    };
  };
  config = lib.mkIf cfg.provenance.enable {
    packages.provenance = make {
      name = "${cfg.name}-provenance";
      inherit outputs;
      results = if cfg.tests.enable then config.packages.test-results else null;
      source = {
        reference = cfg.provenance.source;
        revision = flake.rev or null;
        narHash = flake.narHash or null;
      };
      inputs = builtins.filter (input: input != null) (map lock.input cfg.provenance.inputs);
      locks = {
        "cloche.lock" = builtins.hashFile "sha256" cfg.python.lock;
      }
      // lock.digests;
      inherit (cfg.provenance) builder;
    };
    checks.provenance = check {
      name = "${cfg.name}-provenance-check";
      statements = config.packages.provenance;
      inherit outputs;
    };
  };
}
