# Options: benchmarks whose cost is compared with that of another revision; default.nix makes the outputs.
{ lib, ... }:
let
  inherit (lib) mkOption types literalExpression;
  words =
    description:
    mkOption {
      type = types.listOf types.str;
      default = [ ];
      inherit description;
    };
  benchmark = types.submodule {
    options = {
      suite = mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "benchmarks" ];
        description = "Files and folders of a pytest-benchmark suite, below `src`. Each of its tests is judged by itself.";
      };
      arguments = words "Arguments of pytest.";
      command = mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = literalExpression ''[ "branin" "run" "--output" "results.json" ]'';
        description = "Instead of a suite: a program, found in the environment, and its arguments.";
      };
      setUp = mkOption {
        type = types.listOf types.str;
        default = [
          "python"
          "-c"
          "pass"
        ];
        example = literalExpression ''[ "python" "-c" "import branin.search" ]'';
        description = "What the command does before its work: its instructions are subtracted.";
      };
      groups = words "Dependency groups whose packages the benchmark needs, besides the project and what it depends on.";
      files = mkOption {
        type = types.listOf (types.strMatching "[^/.][^/]*(/[^/]+)*");
        default = [ ];
        example = [ "benchmarks" ];
        description = "Files and folders of the project that the benchmark reads, besides the suite. Both sides have those of this revision.";
      };
      variables = mkOption {
        type = types.attrsOf types.str;
        default = { };
        description = "Environment variables of the runs, which have one thread and the hash seed 0.";
      };
      programs = mkOption {
        type = types.listOf types.raw;
        default = [ ];
        description = "Derivations whose bin/ is on PATH.";
      };
      instruments = mkOption {
        type = types.listOf (
          types.enum [
            "instructions"
            "time"
          ]
        );
        default = [
          "instructions"
          "time"
        ];
        description = "What is measured.";
      };
      gate = mkOption {
        type = types.numbers.between 0.01 1;
        default = 0.01;
        example = 0.02;
        description = "From which fraction of more instructions on it is slower.";
      };
      effect = mkOption {
        type = types.numbers.between 0.01 1;
        default = 0.05;
        example = 0.1;
        description = "The least change of time that is of interest, as a fraction.";
      };
      runs = mkOption {
        type = types.ints.between 3 1000;
        default = 6;
        description = "Rounds of processes by which time is measured.";
      };
    };
  };
in
{
  options.cloche.performance = mkOption {
    type = types.attrsOf benchmark;
    default = { };
    example = literalExpression ''{ surrogate = { suite = [ "benchmarks" ]; groups = [ "benchmark" ]; }; }'';
    description = ''
      Benchmarks by name. With at least one there are `packages.performance`, `checks.performance` and the app
      `performance`.
    '';
  };
}
