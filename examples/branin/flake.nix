{
  description = "Bayesian optimisation of the Branin function, built by Cloche";

  # In a project of your own this is Cloche's address; here it is the checkout that the example lies in.
  inputs.cloche.url = "path:../..";

  # Elsewhere, `outputs = { self, cloche }: cloche.lib.mkFlake { inherit self; } ./cloche.nix;` says the same. With a
  # relative input, Nix 2.26 needs the names of the outputs before it can look at the input.
  outputs =
    { self, cloche }:
    {
      inherit (cloche.lib.mkFlake { inherit self; } ./cloche.nix)
        packages
        checks
        devShells
        apps
        legacyPackages
        ;
    };
}
