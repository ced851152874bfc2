# Options and outputs: a model of the project's tests, and the tests that a change can affect, as derivations.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.cloche;
  file =
    name: path:
    builtins.path {
      inherit name path;
    };
  tree =
    name: path:
    import ../pkgs/python/source-tree.nix {
      inherit path;
      name = "${cfg.name}-${name}";
      exclude = [ ];
    };
  rows = if cfg.selection.rows == null then null else file "test-rows.jsonl" cfg.selection.rows;
  model = import ../pkgs/selection/model.nix { inherit (cfg) toolchain; } {
    name = "${cfg.name}-test-model";
    project = cfg.name;
    inherit (cfg.selection) origins;
    inherit rows;
  };
in
{
  options.cloche.selection = {
    rows = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = lib.literalExpression "./test-rows.jsonl";
      description = "A file that `train --export` wrote: makes `packages.test-model`, which `packages.test-selection` then uses.";
    };
    origins = mkOption {
      type = types.listOf (
        types.enum [
          "real"
          "mutant"
          "imported"
        ]
      );
      default = [ ];
      example = [ "mutant" ];
      description = "The rows that the model is made of. None named: all, and a mixture of origins is refused.";
    };
    map = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = lib.literalExpression "./impact-map.json";
      description = "The impact map, as `select-tests --record` wrote it. With `base` it makes `packages.test-selection`.";
    };
    base = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = lib.literalExpression "inputs.before";
      description = "The tree that `cloche.src` is compared with: normally an input of the flake.";
    };
    recall = mkOption {
      type = types.numbers.between 0 1;
      default = 0.95;
      description = "The share of changes with failures that the model's choice must catch.";
    };
    budget = mkOption {
      type = types.nullOr types.numbers.positive;
      default = null;
      example = 60;
      description = "Seconds of tests that a selection may take; what a rule selects runs all the same.";
    };
    unrelated = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "docs/*" ];
      description = "Globs of files that no test depends on; other unknown files select everything.";
    };
  };
  config.packages = lib.mkMerge [
    (lib.mkIf (cfg.selection.rows != null) { test-model = model; })
    (lib.mkIf (cfg.selection.map != null && cfg.selection.base != null) {
      test-selection = import ../pkgs/selection { inherit (cfg) toolchain; } {
        name = "${cfg.name}-test-selection";
        project = cfg.name;
        before = tree "before" cfg.selection.base;
        after = tree "after" cfg.src;
        map = file "impact-map.json" cfg.selection.map;
        model = if cfg.selection.rows == null then null else model;
        inherit rows;
        inherit (cfg.selection) recall budget unrelated;
      };
    })
  ];
}
