# An image by the OCI specification, as the small files that say what it is: manifest.json, config.json, layers.json,
# closure.json, digest. No layer is in it.
{ toolchain }:
let
  layerOf = import ./layer.nix { inherit toolchain; };
  plan = import ../../lib/image/layers.nix;
  modules = import ../python/modules.nix [ "image/make.py" ];
in
{
  # The name below cloche.images.
  name,
  # What `load-image` calls it.
  imageName,
  tag,
  # Derivations whose closure the image holds: what changes most often, and what changes seldom.
  package,
  contents,
  # Derivations that change together with the package, where they are in its closure.
  application,
  # name -> { path, size }: unpacked wheels that may be in the closure.
  packages,
  # Links in the image: { "bin/sh" = "/nix/store/..."; }
  links,
  # Numeric "uid:gid", and that user's folder.
  user,
  home,
  # What python/src/cloche/image/manifest.py calls Settings.
  settings,
  # Store paths (without context) -> { name, why }, and the names of those that are allowed all the same.
  development,
  allowed,
  maxLayers,
}:
let
  # What no program that runs needs: headers, what only links programs, and the tools of the toolchain's own making.
  exclude = {
    ${builtins.unsafeDiscardStringContext "${toolchain.base}"} = [
      "bin/dpkg-deb"
      "bin/patchelf"
      "include"
      "lib/python*/config-*"
    ];
  };
  base = [
    toolchain.base
    toolchain.licenses
  ];
  planned = plan {
    inherit base packages;
    # Besides: the image's own files, contents, rest, application.
    most = maxLayers - 4;
  };
  layers =
    map (
      layer:
      layerOf (
        layer // (if layer.name == "base" then { inherit exclude; } else { })
      )
    ) planned
    ++ (
      if contents == [ ] then
        [ ]
      else
        [
          (layerOf {
            name = "contents";
            paths = [ ];
            closureOf = contents;
            without = builtins.concatMap (layer: layer.paths) planned;
          })
        ]
    );
  roots = base ++ [ package ] ++ contents;
in
toolchain.runPython {
  name = "${imageName}-image";
  image = name;
  script = ../../python/src/cloche/image/make.py;
  path = [ modules ];
  exportReferencesGraph.closure = roots;
  inherit
    imageName
    tag
    roots
    layers
    application
    links
    user
    home
    settings
    development
    allowed
    ;
}
// {
  # For what is made about an image: its SBOM, its check.
  inherit roots allowed;
}
