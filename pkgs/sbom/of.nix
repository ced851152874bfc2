# Makes SBOMs of a project: of its application, its environments, its images. `.build` of what it returns is the SBOM
# of what the same roots were built from.
{
  # config.cloche
  cfg,
  # The flake's revision, null where the tree is dirty.
  revision,
}:
let
  inherit (cfg) toolchain build;
  make = import ./default.nix { inherit toolchain; };
in
{
  # Derivations whose closure it is.
  roots,
  name ? cfg.name,
  version ? if cfg.version == null then "dev" else cfg.version,
  # "application", "environment" or "image".
  kind ? "application",
  # The folder of an image, whose file `digest` names the subject.
  image ? null,
  # Derivations besides the roots that hold nothing published: links, scripts and settings made here.
  made ? [ ],
  # The folder with the project's wheel; null for an environment without the project.
  wheel ? build.wheel,
  # Names of packages of Cloche's own lock, and of Debian packages that the subject leaves out (pkgs/sbom/known.nix).
  own ? [ ],
  excluded ? [ ],
}:
let
  # An application's environment is made of links and scripts alone, as the application itself is.
  environments = builtins.filter (value: value != null) (
    map (root: root.environment or null) roots
  );
  arguments = {
    inherit
      name
      version
      kind
      roots
      image
      revision
      wheel
      ;
    known = import ./known.nix {
      inherit
        toolchain
        build
        own
        excluded
        ;
      inherit (cfg.python) overrides;
      declared = cfg.sbom.components;
      made = (if image == null then roots ++ environments else [ ]) ++ made;
    };
  };
in
make arguments
// {
  build = make (
    arguments
    // {
      scope = "build";
      locked = import ./locked.nix {
        inherit toolchain;
        inherit (build) selection;
      };
    }
  );
}
