# Types of options: how far results may be from their baseline, and what is pinned while they are computed.
{ lib }:
let
  inherit (lib) mkOption types;
  maybe =
    type: example: description:
    mkOption {
      type = types.nullOr type;
      default = null;
      inherit example description;
    };
in
{
  rule = types.submodule {
    options = {
      path = mkOption {
        type = types.nonEmptyStr;
        example = "metrics.*.rmse";
        description = "Which values it is about, and everything below them (docs/regression.md has the patterns). The first rule that matches holds.";
      };
      absolute = maybe types.numbers.positive 1.0e-8 "The greatest accepted distance.";
      relative = maybe types.numbers.positive 1.0e-6 "The greatest accepted distance as a fraction of the reference; with `absolute` too, the greater of both holds.";
      ulp = maybe types.ints.positive 8 "The greatest accepted distance in units in the last place.";
      exact = mkOption {
        type = types.bool;
        default = false;
        description = "Whether numbers must have the same bits.";
      };
      ignore = maybe types.nonEmptyStr "a timing" "Why the values are not compared.";
      worse = maybe (types.enum [
        "higher"
        "lower"
      ]) "higher" "The direction in which a value gets worse. Beyond the tolerance in the other one it has improved, which is no failure.";
      distribution = maybe (types.submodule {
        options = {
          test = mkOption {
            type = types.enum [
              "mann-whitney"
              "welch"
              "kolmogorov-smirnov"
            ];
            default = "mann-whitney";
            description = "The two-sample test. Effects are Cliff's delta, Hedges' g, and the greatest distance of the distribution functions.";
          };
          effect = maybe types.numbers.positive 0.8 "The effect that must be found with the probability `power`. By default a large one: 0.474, 0.8 for welch, 0.311 for kolmogorov-smirnov.";
          negligible = maybe types.numbers.positive 0.1 "An effect below this is none. By default 0.147, 0.2 for welch, 0.08 for kolmogorov-smirnov.";
          alpha = maybe types.numbers.positive 0.01 "The probability of any false alarm among all samples of the experiment. By default 0.05.";
          power = maybe types.numbers.positive 0.9 "The least probability with which `effect` must be found, else the samples show nothing. By default 0.8.";
        };
      }) { test = "welch"; } "Lists of numbers at these places are samples of a stochastic result: their distributions are compared.";
    };
  };
  pins =
    system:
    types.submodule {
      options = {
        level = mkOption {
          type = types.enum [
            "x86-64-v2"
            "x86-64-v3"
            "none"
          ];
          default = if system == "x86_64-linux" then "x86-64-v2" else "none";
          defaultText = lib.literalExpression ''"x86-64-v2", "none" on other processors'';
          description = ''
            The instructions that results are computed with: those of nearly every processor since 2009, those with AVX2
            and FMA (faster), or whatever the processor at hand has, in which case results differ between processors.
          '';
        };
        blas = maybe types.nonEmptyStr "SandyBridge" "The processor type whose kernels OpenBLAS uses, instead of the level's.";
        numpy = maybe (types.listOf types.nonEmptyStr) [
          "X86_V4"
        ] "NumPy's processor features that are switched off, by the installed NumPy's names, instead of all beyond the level.";
        glibc = maybe types.str "-AVX2,-FMA" "The processor features that the C library does without (glibc.cpu.hwcaps), instead of the level's.";
        threads = mkOption {
          type = types.ints.positive;
          default = 1;
          description = "The number of threads of BLAS and OpenMP.";
        };
        hashSeed = mkOption {
          type = types.ints.between 0 4294967295;
          default = 0;
          description = "PYTHONHASHSEED.";
        };
      };
    };
}
