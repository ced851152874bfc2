# Passes when images are what they say: every layer comes out of the store with its digest, the user is not root,
# nothing of development is in it, and every part has its licence text. Each judgement is first shown a planted fault,
# which it must catch.
{ toolchain }:
let
  modules = import ../pkgs/python/modules.nix [ "image/judge.py" ];
in
{
  name,
  # name -> packages.image
  images,
  # name -> { allowRoot, allowed }
  options,
  # Store paths (without context) -> { name, why }
  development,
}:
toolchain.runPython {
  inherit
    name
    images
    options
    development
    ;
  script = ../python/src/cloche/image/judge.py;
  path = [ modules ];
  # What Nix itself knows of each image's closure, beside what the image says.
  exportReferencesGraph = builtins.listToAttrs (
    map (image: {
      name = "closure-${image}";
      value = images.${image}.roots;
    }) (builtins.attrNames images)
  );
  inherit (toolchain.python) sitePackages;
  inherit (toolchain) licenses;
}
