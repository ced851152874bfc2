# Outputs: experiments run on a pinned platform, their results compared with baselines, the verdict, and `accept`.
{
  config,
  lib,
  system,
  ...
}:
let
  cfg = config.cloche;
  inherit (cfg) toolchain;
  # Rules and pins as the programs read them: what is not set is left out.
  given = lib.filterAttrs (_: value: value != null && value != false);
  rule = each: given (each // { distribution = if each.distribution == null then null else given each.distribution; });
  # A derivation has no clock: waivers are judged as of the day of the flake's last commit.
  stamp = cfg.flake.lastModifiedDate or "";
  day =
    name:
    if builtins.stringLength stamp >= 8 then
      "${builtins.substring 0 4 stamp}-${builtins.substring 4 2 stamp}-${builtins.substring 6 2 stamp}"
    else
      throw "cloche.regression.${name}.waivers: the flake has no date to judge their expiry by (self.lastModifiedDate); commit it to git";
  comparisons = builtins.mapAttrs (
    name: experiment:
    let
      inherit (experiment) pins;
      class = if pins.level == "none" then "${system}-unpinned" else pins.level;
      place = "${experiment.baselines}/${class}.${experiment.format}";
      present = builtins.pathExists (cfg.src + "/${place}");
      file =
        path:
        builtins.path {
          path = cfg.src + "/${path}";
          name = "baseline-${baseNameOf path}";
        };
      run = import ../pkgs/experiment.nix { inherit toolchain; } {
        name = "${cfg.name}-experiment-${name}-run";
        experiment = name;
        inherit class;
        inherit (experiment)
          command
          result
          format
          variables
          programs
          pins
          ;
        environment = cfg.build.environmentOf "experiment-${name}" experiment.groups;
        files = map (
          path:
          import ../pkgs/project-files.nix {
            inherit (cfg) src;
            inherit path;
            option = "cloche.regression.${name}.files";
          }
        ) experiment.files;
      };
    in
    import ../pkgs/regression.nix { inherit toolchain; } {
      name = "${cfg.name}-regression-${name}";
      experiment = name;
      inherit run place;
      inherit (experiment) format;
      rules = map rule experiment.tolerances;
      baseline = if present then file place else null;
      accepted = if present then file "${experiment.baselines}/${class}.accepted.json" else null;
      waivers = experiment.waivers;
      day = if experiment.waivers == null then "1970-01-01" else day name;
    }
  ) cfg.regression;
in
{
  imports = [ ./regression-options.nix ];
  config = lib.mkIf (cfg.regression != { }) {
    packages.regression = import ../pkgs/regression-results.nix { inherit toolchain; } {
      name = "${cfg.name}-regression";
      inherit comparisons;
    };
    checks.regression = import ../checks/regression.nix { inherit toolchain; } {
      name = "${cfg.name}-regression";
      inherit comparisons;
    };
  };
}
