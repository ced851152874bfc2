# Everything that one lock makes on one toolchain: sources, unpacked wheels, build environments, environments.
{
  toolchain,
  storeName,
  # The lock's part for this system and Python (lib/lock/default.nix, select).
  selection,
  # Per package: { exclude, settings, variables, programs }.
  overrides ? { },
  # Which modules get byte code (cloche.python.bytecode).
  bytecode ? "library",
}:
let
  source = import ./source.nix { inherit toolchain storeName; };
  builders = import ./builders.nix { inherit toolchain source; };
  wheel = import ./wheel.nix {
    inherit toolchain;
    inherit (builders) unpacker;
  };
  environment = import ./environment.nix { inherit toolchain; };
  backend = import ./backend.nix {
    inherit toolchain;
    inherit (builders) pyproject-hooks;
  };
  isWheel = file: builtins.match ".*\\.whl" file != null;

  # built : the folder with the wheel that an sdist makes.
  built =
    name: entry:
    let
      override = overrides.${name} or { };
    in
    backend {
      name = "${name}-${entry.version}-built";
      project = entry.build;
      source = source name entry;
      inherit (entry) file;
      environment = buildEnvironment entry.build;
      programs = [ toolchain.roles.cc ] ++ override.programs or [ ];
      variables = override.variables or { };
      settings = override.settings or { };
    };

  # unpack : one package of a table (the lock's packages, or a build's) as an unpacked wheel.
  unpack =
    name: entry:
    wheel (
      {
        inherit name;
        inherit (entry) version file;
        inherit bytecode;
        exclude = overrides.${name}.exclude or [ ];
      }
      // (
        if isWheel entry.file then
          { source = source name entry; }
        else
          {
            source = built name entry;
            built = {
              inherit name;
              inherit (entry) version;
            };
            considered = overrides.${name}.programs or [ ];
            # What was compiled must not carry the compilers with it.
            disallowedReferences = [ toolchain.roles.cc ];
          }
      )
    );

  buildEnvironment =
    key:
    environment {
      name = "${builtins.replaceStrings [ "==" ] [ "-" ] key}-build-environment";
      wheels = map (name: unpack name selection.builds.${key}.packages.${name}) (
        builtins.attrNames selection.builds.${key}.packages
      );
    };
in
{
  inherit
    source
    wheel
    environment
    backend
    buildEnvironment
    isWheel
    ;
  inherit (builders) unpacker;
  # packages : name -> unpacked wheel, lazily.
  packages = builtins.mapAttrs unpack selection.packages;
}
