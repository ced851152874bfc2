{
  # Tests put the place of this checkout here.
  inputs.cloche.url = "cloche";

  outputs = { self, cloche }: cloche.lib.mkFlake { inherit self; } ./cloche.nix;
}
