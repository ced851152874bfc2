# Passes when the sentences of the repository's documents are short.
{ toolchain }:
let
  wanted =
    file: type:
    let
      name = baseNameOf file;
    in
    if type == "directory" then
      builtins.substring 0 1 name != "." && name != "result"
    else
      builtins.match ".*\\.md" name != null;
in
toolchain.runPython {
  name = "cloche-sentences";
  script = ../../ci/house/sentences.py;
  documents = builtins.path {
    path = ../../.;
    name = "documents";
    filter = wanted;
  };
}
