# Modules of Cloche's library with all that they import of it, as a folder for sys.path, so that a derivation changes
# only with what it runs. modules : [ file below python/src/cloche ] -> store path; the first one names it.
roots:
let
  needed = import ./imports.nix roots;
  files = builtins.attrNames needed;
  root = ../../python/src;
  relative = import ./below.nix root;
  above =
    folder: builtins.any (file: builtins.substring 0 (builtins.stringLength folder) file == folder) files;
in
builtins.path {
  path = root;
  name = "cloche-${
    builtins.replaceStrings
      [
        "/"
        ".py"
      ]
      [
        "-"
        ""
      ]
      (builtins.head roots)
  }";
  filter =
    path: type:
    let
      place = relative path;
      file = builtins.substring 7 (-1) place;
    in
    if type == "directory" then place == "cloche" || above "${file}/" else needed ? ${file};
}
