# Passes when the sentences of the repository's documents are short.
{ toolchain }:
toolchain.runPython {
  name = "cloche-sentences";
  script = ../../ci/house/sentences.py;
  documents = import ./files.nix "documents" "md";
}
