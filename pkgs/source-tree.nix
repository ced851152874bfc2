# A folder of the project as a store path of its own, which changes only with what it holds. The path has a name of its
# own (else any edit of the flake would change it), and folders that have become empty are left out.
{
  path,
  name,
  # Paths below the folder, "docs" or "src/data": left out with all they hold.
  exclude,
}:
let
  root = toString path;
  # Left behind by tools, in trees that are no git checkouts.
  never = [
    ".git"
    ".hg"
    "__pycache__"
    ".mypy_cache"
    ".pytest_cache"
    ".ruff_cache"
    ".hypothesis"
    ".venv"
    "result"
  ];
  left = builtins.listToAttrs (
    map (name: {
      inherit name;
      value = null;
    }) exclude
  );
  relative = file: builtins.substring (builtins.stringLength root + 1) (-1) file;
  wanted = file: !(left ? ${relative file}) && !builtins.elem (baseNameOf file) never;
  keep =
    file: type:
    wanted file
    && (
      type != "directory"
      || (
        let
          entries = builtins.readDir file;
        in
        builtins.any (entry: keep "${file}/${entry}" entries.${entry}) (builtins.attrNames entries)
      )
    );
in
builtins.path {
  inherit name path;
  filter = keep;
}
