# The project itself: its wheel, its sdist, its application, environments and test sources.
{
  toolchain,
  storeName,
  selection,
  # The configuration: name, src, version, directory, exclude, python { ... } (nix/project/{default,python}.nix).
  settings,
}:
let
  inherit (settings) name;
  set = import ./set.nix {
    inherit toolchain storeName selection;
    inherit (settings.python) overrides bytecode;
  };

  # The source of the wheel: what is left out here can be edited without building it again.
  source = import ./source-tree.nix {
    path = settings.src;
    name = "${name}-source";
    inherit (settings) exclude;
  };
  role =
    name:
    toolchain.roles.${name}
      or (throw "cloche.roles names ${name}; the toolchain `${toolchain.name}' has ${builtins.concatStringsSep ", " (builtins.attrNames toolchain.roles)}");
  version = if settings.version == null then "dev" else settings.version;
  pretend =
    if settings.version == null then
      { }
    else
      {
        SETUPTOOLS_SCM_PRETEND_VERSION = settings.version;
        PDM_BUILD_SCM_VERSION = settings.version;
      };

  run =
    what: tree:
    set.backend {
      name = "${name}-${version}-${what}";
      inherit what;
      project = name;
      source = tree;
      environment = set.buildEnvironment name;
      programs = map role settings.roles ++ settings.programs;
      variables = pretend // settings.variables;
      settings = settings.configSettings;
    };

  # unpack : wheel -> prefix
  unpack =
    built:
    set.wheel {
      inherit name version;
      file = "${name}.whl";
      source = built;
      built = {
        inherit name;
        version = if settings.version == null then "" else settings.version;
      };
      considered = settings.programs;
      # What was compiled must not carry the compilers with it.
      disallowedReferences = if builtins.elem "cc" settings.roles then [ toolchain.roles.cc ] else [ ];
    };
  wheel = run "wheel" source;
  unpacked = unpack wheel;

  # environment : { name, groups, project } -> derivation; with the project's wheel, or without for editable shells.
  environment =
    {
      name,
      packages,
      more ? [ ],
    }:
    set.environment {
      inherit name;
      wheels = map (package: set.packages.${package}) packages ++ more;
    };

  # applicationWith : [ package ] -> derivation; what its entry points can import.
  applicationWith =
    packages:
    import ./application.nix { inherit toolchain; } {
      inherit name version;
      project = unpacked;
      environment = environment {
        name = "${name}-${version}-environment";
        inherit packages;
        more = [ unpacked ];
      };
    };
in
{
  inherit
    role
    set
    source
    wheel
    unpacked
    environment
    ;
  # unpackedFrom : folder -> prefix; the wheel of a part of the source.
  unpackedFrom = tree: unpack (run "wheel" tree);
  # An sdist carries what the backend puts into it, tests and documents included, so it sees the whole folder.
  sdist = run "sdist" (
    import ./source-tree.nix {
      path = settings.src;
      name = "${name}-tree";
      exclude = [ ];
    }
  );
  # The application with the project's own dependencies.
  application = applicationWith (selection.names "default");
  inherit applicationWith;
}
