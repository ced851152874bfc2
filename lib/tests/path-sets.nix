# Relative paths, and sets of them (attribute sets whose values don't matter); for closures.nix.
let
  inherit (builtins)
    attrNames
    concatMap
    concatStringsSep
    elemAt
    filter
    foldl'
    genList
    isString
    length
    listToAttrs
    split
    stringLength
    substring
    ;
  set =
    names:
    listToAttrs (
      map (name: {
        inherit name;
        value = null;
      }) names
    );
  union = foldl' (a: b: a // b) { };
  # above : "a/b/c" -> [ "a" "a/b" ]
  above =
    path:
    let
      words = filter isString (split "/" path);
    in
    genList (n: concatStringsSep "/" (genList (elemAt words) (n + 1))) (length words - 1);
in
{
  inherit set union above;
  # folderOf : "a/b/c" -> "a/b"
  folderOf =
    path:
    let
      folders = above path;
    in
    if folders == [ ] then "" else elemAt folders (length folders - 1);
  # below : folder -> name -> path; the top is ""
  below = folder: name: if folder == "" then name else "${folder}/${name}";
  # Whether a path is a folder or in it.
  under = root: path: path == root || substring 0 (stringLength root + 1) path == "${root}/";
  # withFolders : set -> set; with the folders on the way.
  withFolders = chosen: union [ chosen (set (concatMap above (attrNames chosen))) ];
}
