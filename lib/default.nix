# The library: pure Nix, no derivation, no nixpkgs.
#
# `shared` holds names of nixpkgs.lib with the meaning they have there: module files run under both libraries, and are
# given nothing else. `own` holds what only Cloche has. To add a file, add one line to `own`.
let
  shared =
    import ./trivial.nix shared
    // import ./lists.nix shared
    // import ./attrsets.nix shared
    // import ./strings.nix shared
    // import ./options.nix shared
    // import ./properties.nix shared
    // import ./modules.nix shared
    // {
      inherit (import ./option-type.nix shared) mkOptionType;
      types = import ./types.nix shared;
    };
  own = {
    batches = import ./batches.nix;
    checkConfig = import ./check-config.nix shared;
    optionsToDoc = import ./option-docs.nix shared;
    collection = import ./collection.nix;
    closures = import ./closures.nix;
    flakeLock = import ./flake-lock.nix;
    imageLayers = import ./image-layers.nix;
    lock = import ./lock.nix;
    packageClosures = import ./package-closures.nix;
    revisionDate = import ./revision-date.nix;
    sourceFiles = import ./source-files.nix;
    storeName = import ./store-name.nix;
    testsRecord = import ./tests-record.nix;
  };
in
shared // own
