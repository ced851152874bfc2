{
  description = "A Python project under Cloche";

  # Where your Cloche is: a checkout, or the address from which your lab serves it.
  inputs.cloche.url = "git+file:///path/to/cloche";

  outputs = { self, cloche }: cloche.lib.mkFlake { inherit self; } ./cloche.nix;
}
