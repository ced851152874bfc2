# The repository's files whose names end in "." and the given word, as a folder. files : string -> string -> store path
name: suffix:
builtins.path {
  path = ../../.;
  inherit name;
  filter =
    file: type:
    let
      base = baseNameOf file;
    in
    if type == "directory" then
      builtins.substring 0 1 base != "." && base != "result"
    else
      builtins.match ".*\\.${suffix}" base != null;
}
