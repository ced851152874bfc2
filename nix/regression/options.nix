# Options: experiments whose results are compared with accepted ones; nix/regression/default.nix makes the outputs.
{
  config,
  lib,
  system,
  ...
}:
let
  inherit (lib) mkOption types literalExpression;
  kinds = import ./types.nix { inherit lib; };
  experiment =
    { name, config, ... }:
    {
      options = {
        command = mkOption {
          type = types.nonEmptyListOf types.str;
          example = literalExpression ''[ "branin" "compare" "--output" "results.json" ]'';
          description = "The program, found in the environment, and its arguments. It runs in a folder of its own.";
        };
        result = mkOption {
          type = types.strMatching "[^/].*";
          default = "results.json";
          description = "The file that the command writes.";
        };
        format = mkOption {
          type = types.enum [
            "json"
            "npz"
            "csv"
            "parquet"
          ];
          default =
            let
              end = builtins.match ".*\\.([a-z]+)" config.result;
            in
            if end == null then "" else builtins.head end;
          defaultText = literalExpression "the end of `result'";
          description = "The format of the result.";
        };
        groups = mkOption {
          type = types.listOf types.str;
          default = [ ];
          example = [ "experiments" ];
          description = "Dependency groups whose packages the command needs, besides the project and what it depends on.";
        };
        files = mkOption {
          type = types.listOf (types.strMatching "[^/.][^/]*(/[^/]+)*");
          default = [ ];
          example = [ "experiments" ];
          description = "Files and folders of the project that the command reads. Only an edit of these, or of the project itself, runs it again.";
        };
        variables = mkOption {
          type = types.attrsOf types.str;
          default = { };
          description = "Environment variables of the run, besides those that the pins set.";
        };
        programs = mkOption {
          type = types.listOf types.raw;
          default = [ ];
          description = "Derivations whose bin/ is on PATH.";
        };
        pins = mkOption {
          type = kinds.pins system;
          default = { };
          description = "The numeric platform of the run. A pin that does not take effect is an error.";
        };
        tolerances = mkOption {
          type = types.listOf kinds.rule;
          default = [ ];
          example = literalExpression ''[ { path = "timings"; ignore = "they differ each time"; } ]'';
          description = "Rules of the comparison. Without one, a number may differ by 1e-10, and below 1 by 1e-10 of its size.";
        };
        baselines = mkOption {
          type = types.strMatching "[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*";
          default = "tests/baselines/${name}";
          defaultText = literalExpression ''"tests/baselines/NAME"'';
          description = "The folder below `src` with the accepted results, one for each platform class, which `nix run .#accept` writes.";
        };
        waivers = mkOption {
          type = types.nullOr types.path;
          default = null;
          example = literalExpression "./waivers.toml";
          description = "A TOML file with tables [[waiver]]: findings that are accepted until a day (docs/regression.md).";
        };
      };
    };
in
{
  options.cloche.regression = mkOption {
    type = types.attrsOf (types.submodule experiment);
    default = { };
    example = literalExpression ''{ search.command = [ "branin" "compare" "--output" "results.json" ]; }'';
    description = ''
      Experiments by name. With at least one there are `packages.regression`, `checks.regression` and the app `accept`.
    '';
  };
}
