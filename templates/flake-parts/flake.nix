{
  description = "A Python project under Cloche and flake-parts";

  inputs = {
    # Where your Cloche is: a checkout, or the address from which your lab serves it.
    cloche.url = "git+file:///path/to/cloche";
    # The flake-parts that Cloche is tested with; yours serves as well.
    flake-parts.follows = "cloche/flake-parts";
  };

  outputs =
    inputs@{ flake-parts, ... }:
    flake-parts.lib.mkFlake { inherit inputs; } {
      systems = [ "x86_64-linux" ];
      imports = [ inputs.cloche.flakeModules.default ];
      perSystem.cloche = {
        src = ./.;
        # packages.test-results and checks.tests; `lint` (ruff) and `types` (mypy) are switched on alike.
        tests.enable = true;
      };
    };
}
