# sourceFiles : { path, exclude } -> { "a" = "directory"; "a/b.py" = "regular"; ... }
#
# What a folder of the project holds, by relative path: without what tools leave behind, without `exclude`, and without
# folders that have become empty.
{
  # The folder.
  path,
  # Paths below the folder, "docs" or "src/data": left out with all they hold.
  exclude ? [ ],
}:
let
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
  # below : string -> path -> [ { name, value } ]; the prefix ends with "/" or is empty.
  below =
    prefix: folder:
    let
      entries = builtins.readDir folder;
    in
    builtins.concatMap (
      entry:
      let
        name = prefix + entry;
        type = entries.${entry};
        inside = below "${name}/" (folder + "/${entry}");
        here = [
          {
            inherit name;
            value = type;
          }
        ];
      in
      if left ? ${name} || builtins.elem entry never then
        [ ]
      else if type != "directory" then
        here
      else if inside == [ ] then
        [ ]
      else
        here ++ inside
    ) (builtins.attrNames entries);
in
builtins.listToAttrs (below "" path)
