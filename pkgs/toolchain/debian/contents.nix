# Which published packages the toolchain's store paths hold, for SBOMs and provenance: [ { path, name, packages } ].
{
  system,
  # The folder with the pins, by set.
  pins,
  # Debian's release, as purls name it.
  distribution,
  base,
  seed,
  licenses,
  roles,
}:
let
  text = value: builtins.unsafeDiscardStringContext "${value}";
  # A package of which every file is left out (ci/update-toolchain marks it) is in the seed, but not in what is made.
  packages =
    set: kept:
    map
      (pin: {
        inherit (pin) name version sha256;
        file = baseNameOf pin.path;
        inherit distribution;
        source = pin.source;
        sourceVersion = pin.source-version or null;
      })
      (
        builtins.filter (pin: !kept || !(pin.dropped or false)) (
          builtins.fromJSON (builtins.readFile (pins + "/${set}.json"))
        )
      );
  path = name: value: kept: {
    path = text value;
    name = "cloche-${name}";
    packages = packages (if name == "base" then "seed" else name) kept;
  };
in
[
  (path "base" base true)
  (path "seed" seed false)
  # Each package's copyright file is a text about a package, not the package; the full texts are those of base-files.
  (path "licenses" licenses true)
]
++ map (name: path name roles.${name} true) (builtins.attrNames roles)
