# Options and outputs: one report of what the other capabilities found, `packages.report`, and the app that writes it
# with what no derivation knows.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.cloche;
  file = types.nullOr types.path;
  taken = name: path: if path == null then null else builtins.path { inherit name path; };
  present = enabled: value: if enabled then value else null;
  # What is known, each null where it is not configured. What was measured differs from run to run.
  sourcesWith = measured: {
    project = {
      inherit (cfg) name version;
      revision = cfg.flake.rev or null;
    };
    tests = present cfg.tests.enable {
      results = config.packages.test-results;
      durations = present measured "${config.packages.test-results.log}/durations.json";
      inherit (cfg.tests) quarantine;
      date = if cfg.tests.quarantine == { } then "" else import ../lib/lock/revision-date.nix cfg.flake;
    };
    selection = config.packages.test-selection or null;
    lint = present cfg.lint.enable config.checks.lint.record;
    types = present cfg.types.enable config.checks.types.record;
    chaos = present cfg.chaos.enable {
      recordings = map (seed: config.packages."chaos-results-${toString seed}") cfg.chaos.seeds;
      inherit (cfg.chaos) floor;
      most = cfg.chaos.maximum;
    };
    regression = present (cfg.regression != { }) config.packages.regression;
    performance = present measured (config.packages.performance or null);
    profile = present measured (config.packages.profile or null);
    sbom = present cfg.sbom.enable config.packages.sbom;
    audit = present (cfg.audit.enable && cfg.sbom.enable) config.checks.audit.report;
    provenance = present cfg.provenance.enable config.packages.provenance;
    reproduce = taken "reproduce.json" cfg.report.reproduce;
    history = taken "history.json" cfg.report.history;
  };
in
{
  options.cloche.report = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether `packages.report` and the app `report` are made: one page of what all capabilities found.";
    };
    measured = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether `packages.report` has what was measured: durations, performance, profiles. These differ from run to run,
        so whoever builds them again gets another report. The app `report` always has them.
      '';
    };
    history = mkOption {
      type = file;
      default = null;
      example = lib.literalExpression "./history.json";
      description = "What the telemetry knows of former revisions: a file that `nix run .#report -- --save-history` wrote.";
    };
    reproduce = mkOption {
      type = file;
      default = null;
      example = lib.literalExpression "./reproduce.json";
      description = "What `nix run .#reproduce -- --json` printed.";
    };
  };
  config = lib.mkIf cfg.report.enable {
    packages.report = import ../pkgs/report { inherit (cfg) toolchain; } {
      name = "${cfg.name}-report";
      sources = sourcesWith cfg.report.measured;
    };
    apps.report = {
      type = "app";
      program = import ../pkgs/report/program.nix { inherit (cfg) toolchain; } (sourcesWith true);
      meta.description = "Write the report, with history and what was measured";
    };
  };
}
