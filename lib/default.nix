# The library: pure Nix, no derivation, no nixpkgs.
#
# `shared` holds names of nixpkgs.lib with the meaning they have there: module files run under both libraries, and are
# given nothing else. `own` holds what only Cloche has. To add a file, add one line to `own`.
let
  shared =
    import ./shared/trivial.nix shared
    // import ./shared/lists.nix shared
    // import ./shared/attrsets.nix shared
    // import ./shared/strings.nix shared
    // import ./modules/options.nix shared
    // import ./modules/properties.nix shared
    // import ./modules/modules.nix shared
    // {
      inherit (import ./modules/option-type.nix shared) mkOptionType;
      types = import ./modules/types.nix shared;
    };
  own = {
    batches = import ./tests/batches.nix;
    checkConfig = import ./modules/check-config.nix shared;
    optionsToDoc = import ./modules/option-docs.nix shared;
    collection = import ./tests/collection.nix;
    closures = import ./tests/needs.nix;
    flakeLock = import ./lock/flake-lock.nix;
    imageLayers = import ./image/layers.nix;
    lock = import ./lock;
    packageClosures = import ./tests/package-needs.nix;
    revisionDate = import ./lock/revision-date.nix;
    sourceFiles = import ./tests/source-files.nix;
    storeName = import ./lock/store-name.nix;
    testsRecord = import ./tests/record.nix;
  };
in
shared // own
