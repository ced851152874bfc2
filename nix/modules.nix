# The module files, in the order in which the option reference shows them. One capability, one file.
[
  ./project.nix
  ./toolchain.nix
  ./python.nix
  ./build.nix
  ./packages.nix
  ./shells.nix
  ./tests.nix
  ./lint.nix
  ./types.nix
  ./sbom.nix
  ./lock.nix
  ./provenance.nix
  ./in-toto.nix
  ./apps.nix
  ../lib/assertions.nix
]
