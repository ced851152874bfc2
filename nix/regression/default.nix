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
  classOf = experiment: if experiment.pins.level == "none" then "${system}-unpinned" else experiment.pins.level;
  placeOf = _: experiment: "${experiment.baselines}/${classOf experiment}.${experiment.format}";
  # What is built asks for the assertions first.
  comparisons = builtins.mapAttrs (
    name: experiment:
    let
      class = classOf experiment;
      place = placeOf name experiment;
      # A file of the project, null where there is none.
      file =
        path:
        if builtins.pathExists (cfg.src + "/${path}") then
          builtins.path {
            name = "baseline-${baseNameOf path}";
            path = cfg.src + "/${path}";
          }
        else
          null;
      run = import ../../pkgs/regression/experiment.nix { inherit toolchain; } {
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
          import ../../pkgs/python/project-files.nix {
            inherit (cfg) src;
            inherit path;
            option = "cloche.regression.${name}.files";
          }
        ) experiment.files;
      };
    in
    import ../../pkgs/regression { inherit toolchain; } {
      name = "${cfg.name}-regression-${name}";
      experiment = name;
      inherit run place;
      inherit (experiment) format;
      rules = map rule experiment.tolerances;
      baseline = file place;
      accepted = file "${experiment.baselines}/${class}.accepted.json";
      waivers = experiment.waivers;
      day = if experiment.waivers == null then "1970-01-01" else day name;
    }
  ) (builtins.seq cfg.build cfg.regression);
in
{
  imports = [ ./options.nix ];
  config = lib.mkIf (cfg.regression != { }) {
    assertions = map (name: {
      assertion = builtins.match "[A-Za-z][A-Za-z0-9_-]*" name != null;
      message = "cloche.regression has an experiment called \"${name}\"; a name begins with a letter and goes on with letters, digits, _ and -";
    }) (builtins.attrNames cfg.regression);
    packages.regression = import ../../pkgs/python/named-folders.nix { inherit toolchain; } {
      name = "${cfg.name}-regression";
      option = "cloche.regression";
      folders = comparisons;
    };
    checks.regression = import ../../checks/regression.nix { inherit toolchain; } {
      name = "${cfg.name}-regression";
      inherit comparisons;
    };
    apps.accept = {
      type = "app";
      program = import ../../pkgs/regression/accept.nix { inherit toolchain; } {
        inherit (cfg) directory;
        places = builtins.mapAttrs placeOf cfg.regression;
      };
      meta.description = "Make the present results of experiments their baselines";
    };
  };
}
