# The library: pure Nix, no derivation, no nixpkgs.
#
# `shared` holds names of nixpkgs.lib with the meaning they have there, because module files run under both
# libraries and may use nothing else. `own` holds what only Cloche has. To add a file, add one line to `own`.
let
  shared =
    import ./trivial.nix lib
    // import ./lists.nix lib
    // import ./attrsets.nix lib
    // import ./strings.nix lib
    // import ./options.nix lib
    // import ./properties.nix lib
    // import ./modules.nix lib
    // {
      inherit (import ./option-type.nix lib) mkOptionType;
      types = import ./types.nix lib;
    };
  own = {
    checkConfig = import ./check-config.nix lib;
    optionsToDoc = import ./option-docs.nix lib;
    lock = import ./lock.nix;
    storeName = import ./store-name.nix;
  };
  lib = shared // own;
in
lib
