# Options and outputs: the project's test suite. It is run in one derivation that records, and judged in another.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.cloche;
  # Where a project without src/ has its package.
  package = builtins.replaceStrings [ "-" ] [ "_" ] cfg.name;
  record = import ../pkgs/test-results.nix { inherit (cfg) toolchain; };
  judge = import ../checks/tests.nix { inherit (cfg) toolchain; };
  results = record (cfg.tests.run // { name = "${cfg.name}-test-results"; });
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
      defaultText = lib.literalExpression "lock, configuration, documents, \"src\", and the package's folder where it lies at the top";
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
    source = import ../pkgs/source-tree.nix {
      path = cfg.src;
      name = "${cfg.name}-tests";
      inherit (cfg.tests) exclude;
    };
    inherit (cfg.tests) arguments variables attempt;
    programs = cfg.tests.programs ++ map cfg.build.role cfg.roles;
  };
  config.packages = lib.mkIf cfg.tests.enable { test-results = results; };
  config.checks = lib.mkIf cfg.tests.enable {
    tests = judge {
      name = "${cfg.name}-tests";
      inherit results;
    };
  };
}
