# What evaluation knows of store paths: which published packages each holds. An SBOM accounts for a closure with it.
# The paths are texts: to be asked for costs evaluation, but nothing that is only named here is built.
{
  toolchain,
  # pkgs/project.nix and its selection, as config.cloche.build has them.
  build,
  # Derivations that hold nothing published: links, scripts and settings that are made here.
  made,
  # Packages that the configuration declares: { path, name, version, purl, sha256, license }.
  declared,
}:
let
  text = value: builtins.unsafeDiscardStringContext "${value}";
  lockedPackage = name: entry: {
    inherit name;
    inherit (entry) version file sha256;
    license = entry.license or null;
    dependencies = entry.dependencies or [ ];
  };
  wheels = builtins.attrValues (
    builtins.mapAttrs (name: entry: {
      path = text build.set.packages.${name};
      holds = "wheel";
      packages = [ (lockedPackage name entry) ];
    }) build.selection.packages
  );
  own = {
    path = text build.unpacked;
    holds = "project";
    packages = [ ];
  };
in
map (value: {
  path = text value;
  holds = "made";
  packages = [ ];
}) made
++ [ own ]
++ wheels
++ map (entry: entry // { holds = "prefix"; }) (toolchain.contents or [ ])
++ map (package: {
  path = text package.path;
  holds = "other";
  packages = [ (removeAttrs package [ "path" ]) ];
}) declared
