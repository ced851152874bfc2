# The Python that fetches (cloche.fetch), as a folder for sys.path: standard library only, so that it runs on the
# toolchain alone, before anything of a lock is there.
let
  root = ../../python/src;
  wanted = [
    "cloche"
    "cloche/__init__.py"
    "cloche/archive_limits.py"
    "cloche/errors.py"
    "cloche/fetch"
    "cloche/limits.py"
    "cloche/regular_file.py"
    "cloche/store"
    "cloche/store/__init__.py"
    "cloche/store/write.py"
    "cloche/store_name.py"
    "cloche/strict_json.py"
    "cloche/untrusted"
    "cloche/untrusted/__init__.py"
    "cloche/untrusted/terminal.py"
  ];
in
builtins.path {
  path = root;
  name = "cloche-fetch-library";
  filter =
    file: _:
    let
      path = builtins.substring (builtins.stringLength (toString root) + 1) (-1) file;
    in
    builtins.elem path wanted || builtins.match "cloche/fetch/[a-z_]+\\.py" path != null;
}
