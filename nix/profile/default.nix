# Outputs: samples of where experiments and slow tests spend their time, of this revision or of two.
{ config, lib, ... }:
let
  cfg = config.cloche;
  inherit (cfg) toolchain;
  own = import ../../pkgs/python/cloche.nix { inherit toolchain; };
  programs = import ../../pkgs/programs.nix { inherit toolchain; };
  sample = import ../../pkgs/profile.nix { inherit toolchain; };
  common = {
    modules = cfg.build.unpacked;
    inherit (cfg.profile) rate native;
  };
  # sidesOf : { src, revision } or null -> string -> [ group ] -> { head, base }
  sidesOf =
    base: name: groups:
    {
      head = cfg.build.environmentOf name groups;
    }
    // lib.optionalAttrs (base != null) { base = cfg.environmentAt base.src name groups; };
  experiment =
    base: name:
    let
      found =
        cfg.regression.${name}
          or (throw "cloche.profile.experiments names ${name}, but cloche.regression has ${
            builtins.concatStringsSep ", " (builtins.attrNames cfg.regression)
          }");
    in
    sample (
      common
      // {
        name = "${cfg.name}-profile-${name}-record";
        profile = name;
        sides = sidesOf base "experiment" found.groups;
        inherit (found)
          command
          result
          variables
          programs
          ;
        files = map (
          path:
          import ../../pkgs/python/project-files.nix {
            inherit (cfg) src;
            inherit path;
            option = "cloche.regression.${name}.files";
          }
        ) found.files;
      }
    );
  tests =
    base:
    sample (
      common
      // {
        name = "${cfg.name}-profile-tests-record";
        sides = sidesOf base "tests" cfg.tests.groups;
        durations = config.packages.test-results.log;
        inherit (cfg.tests.run) arguments variables programs;
        inherit (cfg.profile) slowest seconds;
        files = [ cfg.tests.run.source ];
      }
    );
  folder =
    base:
    toolchain.runPython {
      name = "${cfg.name}-profile";
      records =
        map (experiment base) (builtins.seq cfg.build cfg.profile.experiments)
        ++ lib.optional (cfg.profile.slowest > 0) (tests base);
      inherit (cfg.profile) floor;
      script = ../../python/src/cloche/profile/judge.py;
      path = [ (own.modules [ "profile/judge.py" ]) ];
    };
in
{
  imports = [ ./options.nix ];
  config = lib.mkIf cfg.profile.enable {
    assertions = [
      {
        assertion = cfg.profile.experiments != [ ] || cfg.profile.slowest > 0;
        message = "cloche.profile.enable is set and there is nothing to profile: cloche.regression has no experiments, and cloche.profile.slowest is 0";
      }
      {
        assertion = cfg.profile.slowest == 0 || cfg.tests.enable;
        message = "cloche.profile.slowest is set and cloche.tests.enable is not, so no test was recorded; set cloche.tests.enable";
      }
    ];
    packages.profile =
      folder (if cfg.base == null then null else { src = cfg.base; })
      // {
        # What `nix run .#profile -- --base REV` asks for: a function of another revision, { src, revision }.
        against = folder;
      };
    apps.profile = {
      type = "app";
      program = programs.comparing "profile" cfg.directory;
      meta.description = "Show where experiments and slow tests spend their time, and what has changed";
    };
  };
}
