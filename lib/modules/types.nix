# `lib.types`: each type accepts the same values, merges them the same way and is described by the same words as
# the type of that name in nixpkgs.
lib:
import ./types-simple.nix lib
// import ./types-compound.nix lib
// import ./types-choice.nix lib
// import ./types-module.nix lib
