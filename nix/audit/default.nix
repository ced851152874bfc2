# Options and outputs: known vulnerabilities and denied licences in `packages.sbom`, as a check and as an app.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.cloche;
  # The options as the policy's tables (docs/audit.md), which the app reads from a file.
  policy = {
    vulnerabilities = {
      inherit (cfg.audit) ceiling;
      unknown-severity = cfg.audit.unknownSeverity;
      maximum-age = cfg.audit.maximumAge;
      not-audited = cfg.audit.notAudited;
    };
    licenses = {
      inherit (cfg.audit.licenses) denied permitted unknown;
    };
    ignore = map (lib.filterAttrs (_: value: value != null)) cfg.audit.ignore;
  };
  report = import ../../pkgs/audit { inherit (cfg) toolchain; } {
    name = "${cfg.name}-audit-report";
    sbom = cfg.sbom.of { roots = [ config.packages.default ]; };
    inherit (cfg.audit) advisories date;
    inherit policy;
  };
in
{
  imports = [
    ./policy.nix
    ./ignore.nix
  ];
  options.cloche.audit = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether `checks.audit` and the app `audit` are made.";
    };
    advisories = mkOption {
      type = types.path;
      example = lib.literalExpression "inputs.advisories + \"/vulns\"";
      description = "A folder of advisories in the OSV format, JSON or YAML; normally in a pinned input of the flake.";
    };
    date = mkOption {
      type = types.strMatching "[0-9]{4}-[0-9]{2}-[0-9]{2}";
      example = "2026-11-30";
      description = "The day on which the check judges ages and expiries, since a derivation has no clock. The app takes today's.";
    };
  };
  config = lib.mkIf cfg.audit.enable {
    checks.audit = import ../../checks/audit.nix { inherit (cfg) toolchain; } {
      name = "${cfg.name}-audit";
      inherit report;
    };
    apps.audit = {
      type = "app";
      program = import ../../pkgs/audit/program.nix { inherit (cfg) toolchain; } report;
      meta.description = "Audit what the project consists of, as of today";
    };
  };
}
