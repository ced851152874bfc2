# Some modules of Cloche's library as a folder for sys.path, so that a derivation changes only with what it imports.
# python-modules : string -> [ string ] -> store path; "canonical_json.py" is a module, "sbom" a package with all its
# own, "image/layer.py" one module of a package.
name: wanted:
let
  root = ../python/src;
  always = [
    "cloche"
    "cloche/__init__.py"
  ];
  relative = file: builtins.substring (builtins.stringLength (toString root) + 1) (-1) file;
  named =
    path:
    builtins.any (
      entry:
      path == "cloche/${entry}"
      || builtins.substring 0 (builtins.stringLength entry + 8) path == "cloche/${entry}/"
    ) wanted;
  # A folder on the way to what is wanted.
  above =
    path:
    builtins.any (
      entry: builtins.substring 0 (builtins.stringLength path + 1) "cloche/${entry}" == "${path}/"
    ) wanted;
  missing = builtins.filter (entry: !builtins.pathExists (root + "/cloche/${entry}")) wanted;
in
if missing != [ ] then
  throw "python/src/cloche has no ${builtins.concatStringsSep ", " missing}, which the modules of `${name}' name"
else
  builtins.path {
    path = root;
    inherit name;
    filter =
      file: type:
      builtins.elem (relative file) always
      || (type == "directory" && above (relative file))
      || (
        named (relative file)
        && (
          if type == "directory" then
            baseNameOf file != "__pycache__"
          else
            builtins.match ".*\\.(py|json|html|css|js)" file != null
        )
      );
  }
