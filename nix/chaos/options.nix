# Options: what fails under chaos, how often, and how much of the test suite must survive it.
{ lib, ... }:
let
  inherit (lib) mkOption types;
  share = types.addCheck types.number (value: value >= 0 && value <= 1) // {
    description = "number from 0 to 1";
  };
  # With a floor of 0 anything survives.
  floor = types.addCheck share (value: value > 0) // {
    description = "number above 0, at most 1";
  };
  most =
    what: default:
    mkOption {
      type = types.nullOr types.ints.unsigned;
      inherit default;
      description = "The most tests that may be ${what}; null for any number.";
    };
in
{
  options.cloche.chaos = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = ''
        Whether the test suite is run under faults, once for each seed: makes `packages.chaos-results-SEED` and
        `checks.chaos`.
      '';
    };
    seeds = mkOption {
      type = types.nonEmptyListOf types.ints.unsigned;
      default = [
        1
        2
        3
        4
        5
      ];
      description = "The suite is run once for each; a seed decides which calls fail, and how.";
    };
    rate = mkOption {
      type = share;
      default = 0.1;
      description = "The share of calls that fail; more than 0.";
    };
    types = mkOption {
      type = types.nonEmptyListOf (
        types.enum [
          "random"
          "network"
          "timeout"
          "resource"
          "database"
          "filesystem"
        ]
      );
      default = [ "random" ];
      example = [
        "network"
        "database"
      ];
      description = "The types of faults; `random` is all of them.";
    };
    packages = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "branin" ];
      description = "Only calls below functions of these packages or modules can fail; all that tests make where it is empty.";
    };
    arguments = mkOption {
      type = types.listOf types.str;
      default = [ ];
      description = "Arguments of pytest, after those of `cloche.tests.arguments`.";
    };
    native = mkOption {
      type = types.bool;
      default = false;
      description = "Whether calls that compiled code makes of the C library can fail too, by libfiu: the role `chaos`.";
    };
    deadline = mkOption {
      type = types.ints.positive;
      default = 60;
      description = "Seconds after which a test in which a fault fired is hung, which is a failure.";
    };
    floor = mkOption {
      type = floor;
      default = 0.9;
      description = ''
        The least share of the (test, seed) pairs in which a fault fired that survive. The lower 95 % bound of that
        share, clustered by test, must reach it: 29 tests that all survive show 90 %.
      '';
    };
    maximum = {
      safe = most "marked `chaos_safe`" 0;
      fragile = most "marked `chaos_fragile`" 0;
      notReached = most "reached by no fault with any seed" null;
      notRun = most "left out or skipped under chaos with every seed, though they pass without it" null;
      unasserted = most "without an assertion after the last fault, and yet survive" null;
    };
  };
}
