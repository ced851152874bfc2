# Options and outputs: the project's test suite. It is run in one derivation that records, and judged in another.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.cloche;
  # Where a project without src/ has its package.
  package = builtins.replaceStrings [ "-" ] [ "_" ] cfg.name;
  judge = import ../../checks/tests.nix { inherit (cfg) toolchain; };
  suite = import ../../pkgs/tests/suite.nix {
    inherit (cfg) toolchain;
    inherit cfg;
  };
in
{
  options.cloche.tests = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether the project has a pytest suite: makes `packages.test-results` and `checks.tests`.";
    };
    groups = mkOption {
      type = types.listOf types.str;
      default = [ "test" ];
      description = "The dependency groups that hold pytest and what the tests import.";
    };
    arguments = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [
        "-m"
        "not slow"
      ];
      description = "Arguments of pytest.";
    };
    exclude = mkOption {
      type = types.listOf types.str;
      default = [
        ".github"
        "benchmarks"
        "cloche.lock"
        "cloche.nix"
        "doc"
        "docs"
        "flake.lock"
        "flake.nix"
        "src"
        "tests/baselines"
      ]
      ++ lib.optional (builtins.pathExists (cfg.src + "/${package}/__init__.py")) package;
      defaultText = lib.literalExpression "lock, configuration, benchmarks, documents, \"src\", and the package's folder where it lies at the top";
      description = ''
        Paths below `src` that the tests do not see. The project is installed as built, so its source folder is left
        out: nothing is imported from it by accident. For tests that lie inside the package, set `arguments` to
        "--pyargs" and the package's name.
      '';
    };
    variables = mkOption {
      type = types.attrsOf types.str;
      default = { };
      example = {
        OMP_NUM_THREADS = "1";
      };
      description = "Environment variables of the test run.";
    };
    programs = mkOption {
      type = types.listOf types.raw;
      default = [ ];
      description = "Derivations whose bin/ is on PATH while the tests run.";
    };
    timeout = mkOption {
      type = types.nullOr types.ints.positive;
      default = null;
      example = 600;
      description = "Seconds that a recording may last. One that lasts longer fails, and nothing is recorded.";
    };
    reruns = mkOption {
      type = types.ints.unsigned;
      default = 0;
      example = 2;
      description = ''
        How often a test that failed is run again, each time in a fresh process. One that does not fail each time is
        recorded as `flaky`, which is a failure of its own kind.
      '';
    };
    quarantine = mkOption {
      type = types.attrsOf (
        types.submodule {
          options = {
            until = mkOption {
              type = types.strMatching "[0-9]{4}-[0-9]{2}-[0-9]{2}";
              example = "2026-12-31";
              description = "The last day, by the date of the flake's revision.";
            };
            reason = mkOption {
              type = types.nonEmptyStr;
              example = "issue 7";
              description = "Why; every verdict shows it.";
            };
          };
        }
      );
      default = { };
      description = "Tests, as `outcomes.json` names them, whose failure does not make `checks.tests` fail for a while.";
    };
    attempt = mkOption {
      type = types.ints.unsigned;
      default = 0;
      description = "An input that changes nothing but the derivation: raise it to run the tests again.";
    };
    run = mkOption {
      type = types.raw;
      internal = true;
      readOnly = true;
      description = "What a run of the suite is made of, for the modules that run it in other ways.";
    };
  };
  config.cloche.tests.run = {
    environment = cfg.build.environmentOf "tests" cfg.tests.groups;
    source = import ../../pkgs/python/source-tree.nix {
      path = cfg.src;
      name = "${cfg.name}-tests";
      exclude = cfg.tests.exclude ++ [ "cloche-tests.json" ];
    };
    inherit (cfg.tests) arguments variables attempt;
    programs = cfg.tests.programs ++ map cfg.build.role cfg.roles;
  };
  config.packages = lib.mkIf cfg.tests.enable (
    { test-results = suite.results; } // (if cfg.tests.coverage then { impact-map = suite.map; } else { })
  );
  config.checks = lib.mkIf cfg.tests.enable {
    tests = judge {
      name = "${cfg.name}-tests";
      inherit (suite) results;
      inherit (cfg.tests) quarantine;
      date = import ../../lib/lock/revision-date.nix cfg.flake;
    };
  };
  config.legacyPackages = lib.mkIf cfg.tests.enable {
    tests = suite.batches;
    tests-full = suite.full;
    tests-trace = suite.trace;
    tests-compared = import ../../checks/tests-compared.nix { inherit (cfg) toolchain; } suite.compared;
  };
}
