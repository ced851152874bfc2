# The base: the seed in one prefix of its own, cut off from the host's libraries. Built by the seed's own Python.
{
  system,
  seed,
  # The GNU triplet of Debian's library folders.
  triplet,
  # The interpreter's version, "3.11".
  version,
  # The names of the libraries that the interpreter loads at its start.
  manylinux,
}:
let
  libraries = "${seed}/lib/${triplet}:${seed}/usr/lib/${triplet}";
  loaders = {
    x86_64-linux = "ld-linux-x86-64.so.2";
    aarch64-linux = "ld-linux-aarch64.so.1";
  };
in
derivation {
  name = "cloche-base";
  inherit
    system
    seed
    triplet
    manylinux
    ;
  python = version;
  builder = "${seed}/lib/${triplet}/${loaders.${system}}";
  args = [
    "--library-path"
    libraries
    "${seed}/usr/bin/python${version}"
    "-I"
    "-S"
    (builtins.path {
      path = ./build-base.py;
      name = "build-base.py";
    })
  ];
  PYTHONHOME = "${seed}/usr";
  # The base is the root of trust: a path back into the seed would bring the host's view of /usr back.
  disallowedReferences = [ seed ];
}
