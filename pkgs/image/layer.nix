# The measure of one layer of an image: a small file with its digest, its size and what is in it. The tar itself is
# streamed through sha256 and never stored; `load-image` makes it again from the same description.
{ toolchain }:
let
  script = builtins.path {
    path = ../../python/src/cloche/image/layer_of.py;
    name = "layer_of.py";
  };
  modules = import ../python/modules.nix [ "image/layer_of.py" ];
in
{
  name,
  # Store paths.
  paths,
  # Derivations that come with all that they need, but for the paths in `without`.
  closureOf ? [ ],
  without ? [ ],
  # What is left out of store paths: { "/nix/store/..." = [ "include" ... ]; }
  exclude ? { },
}:
toolchain.runPython (
  {
    name = "layer-${name}";
    layer = name;
    path = [ modules ];
    inherit
      script
      paths
      without
      exclude
      ;
  }
  // (if closureOf == [ ] then { } else { exportReferencesGraph.closure = closureOf; })
)
