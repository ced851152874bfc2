# Options: what recordings of tests note, and what their batches are not given (docs/tests.md).
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.cloche;
in
{
  options.cloche.tests = {
    coverage = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether recordings note which test ran which lines: makes `coverage.json` in `packages.test-results`, and
        `packages.impact-map` for `select-tests --map`. One of `groups` must have coverage.
      '';
    };
    narrow = mkOption {
      type = types.enum [
        "modules"
        "packages"
      ];
      default = "modules";
      description = ''
        What a batch is not given unless its tests need it: the project's `modules`, or locked `packages` too, so that
        another version of one runs only the tests again that can see it.
      '';
    };
    record = mkOption {
      type = types.path;
      default = cfg.src + "/cloche-tests.json";
      defaultText = lib.literalExpression "src + \"/cloche-tests.json\"";
      description = ''
        What each test file needs, as `nix run .#trace-tests` writes it: always to `cloche-tests.json` beside
        pyproject.toml. Where there is such a file, tests are recorded in batches, each with what it needs and no more.
      '';
    };
    scratch = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "tests/output/*" ];
      description = "Patterns of names below `src` that tests make themselves, so that looking for them needs no record.";
    };
  };
}
