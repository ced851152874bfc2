# Options: what is profiled; nix/profile/default.nix makes the outputs.
{
  config,
  lib,
  system,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.cloche;
in
{
  options.cloche.profile = {
    enable = mkOption {
      type = types.bool;
      default = false;
      description = "Whether there are `packages.profile` and the app `profile`: samples of where time is spent.";
    };
    experiments = mkOption {
      type = types.listOf types.str;
      default = builtins.attrNames cfg.regression;
      defaultText = lib.literalExpression "all of cloche.regression";
      example = [ "search" ];
      description = "The experiments of `cloche.regression` that are profiled.";
    };
    slowest = mkOption {
      type = types.ints.unsigned;
      default = if cfg.tests.enable then 3 else 0;
      defaultText = lib.literalExpression "3 where cloche.tests.enable is set, else 0";
      description = "How many of the slowest tests are profiled, by the durations that were recorded with `packages.test-results`.";
    };
    seconds = mkOption {
      type = types.numbers.positive;
      default = 1;
      description = "A test that takes less is not slow.";
    };
    rate = mkOption {
      type = types.ints.between 1 1000;
      default = 100;
      description = "Samples a second.";
    };
    floor = mkOption {
      type = types.ints.positive;
      default = 100;
      description = "With fewer samples of work nothing is ranked: \"not enough samples\".";
    };
    native = mkOption {
      type = types.bool;
      default = system == "x86_64-linux";
      defaultText = lib.literalExpression "whether the system is x86_64-linux";
      description = "Whether the stacks have the functions of compiled code, too. Not shown on other processors.";
    };
  };
}
