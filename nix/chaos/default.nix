# Outputs: the test suite under faults, recorded once for each seed, and judged.
{ config, lib, ... }:
let
  cfg = config.cloche;
  record = import ../../pkgs/chaos.nix { inherit (cfg) toolchain; };
  judge = import ../../checks/chaos.nix { inherit (cfg) toolchain; };
  recordings = map (
    seed:
    record (
      cfg.tests.run
      // {
        name = "${cfg.name}-chaos-results-${toString seed}";
        inherit seed;
        inherit (cfg.chaos) rate types deadline;
        libfiu = if cfg.chaos.native then cfg.build.role "chaos" else null;
        only = cfg.chaos.packages;
        arguments = cfg.tests.arguments ++ cfg.chaos.arguments;
      }
    )
  ) cfg.chaos.seeds;
in
{
  cloche.lockedRoles = lib.mkIf cfg.chaos.native [ "chaos" ];
  packages = lib.mkIf cfg.chaos.enable (
    builtins.listToAttrs (
      map (recording: {
        name = "chaos-results-${toString recording.seed}";
        value = recording;
      }) recordings
    )
  );
  checks = lib.mkIf cfg.chaos.enable {
    chaos = judge {
      name = "${cfg.name}-chaos";
      results = config.packages.test-results;
      inherit recordings;
      inherit (cfg.chaos) floor;
      most = cfg.chaos.maximum;
    };
  };
  assertions = [
    {
      assertion = !cfg.chaos.enable || cfg.tests.enable;
      message = "cloche.chaos.enable is set and cloche.tests.enable is not, but what is run under chaos is the test suite; set cloche.tests.enable.";
    }
    {
      assertion = cfg.chaos.rate > 0;
      message = "cloche.chaos.rate is 0, but it is the share of calls that fail: with 0 nothing is shown; set it above 0, such as 0.1.";
    }
    {
      assertion = lib.unique cfg.chaos.seeds == cfg.chaos.seeds;
      message = "cloche.chaos.seeds has a seed twice (${builtins.concatStringsSep " " (map toString cfg.chaos.seeds)}): the second run is the first, and shows nothing more; take it out.";
    }
  ];
}
