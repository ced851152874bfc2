# What evaluation knows of store paths: which published packages each holds. An SBOM accounts for a closure with it.
# The paths are texts: to be asked for costs evaluation, but nothing that is only named here is built.
{
  toolchain,
  # pkgs/python/project.nix and its selection, as config.cloche.build has them.
  build,
  # cloche.python.overrides
  overrides,
  # Derivations that hold nothing published: links, scripts and settings that are made here.
  made,
  # Packages that the configuration declares: { path, name, version, purl, sha256, license }.
  declared,
  # Names of packages of Cloche's own lock whose wheels are in the closure.
  own,
  # Names of Debian packages of the base of which the subject leaves out every file.
  excluded,
}:
let
  cloche = import ../python/cloche.nix { inherit toolchain; };
  text = value: builtins.unsafeDiscardStringContext "${value}";
  lockedPackage = name: entry: {
    inherit name;
    inherit (entry) version file sha256;
    license = entry.license or null;
    dependencies = entry.dependencies or [ ];
  };
  wheel = name: path: leftOut: entry: {
    path = text path;
    holds = "wheel";
    packages = [ (lockedPackage name entry // { inherit leftOut; }) ];
  };
  wheels =
    builtins.attrValues (
      builtins.mapAttrs (
        name: entry: wheel name build.set.packages.${name} (overrides.${name}.exclude or [ ]) entry
      ) build.selection.packages
    )
    ++ map (name: wheel name (cloche.package name) [ ] (cloche.entry name)) own;
  # A package of the project's own lock and one of Cloche's can be the same path.
  once = entries: builtins.attrValues (
    builtins.listToAttrs (
      map (entry: {
        name = entry.path;
        value = entry;
      }) entries
    )
  );
  unpublished = holds: value: {
    path = text value;
    inherit holds;
    packages = [ ];
  };
in
map (unpublished "made") made
++ [
  (unpublished "project" build.unpacked)
  (unpublished "source" build.source)
]
++ once wheels
++ map (
  entry:
  entry
  // {
    holds = "prefix";
    packages = builtins.filter (package: !builtins.elem package.name excluded) entry.packages;
  }
) (toolchain.contents or [ ])
++ map (package: {
  path = text package.path;
  holds = "other";
  packages = [ (removeAttrs package [ "path" ]) ];
}) declared
