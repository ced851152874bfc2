# Passes when docs/options.md says what the options say, and when every link, file, command and option that the
# documents name exists. It depends on the text of the documents, but only on the names of all other files.
{ toolchain }:
{
  # packages.docs
  reference,
  # The names of this flake's outputs by kind: { packages = [ "env" ... ]; apps = ...; ... }
  outputs,
}:
let
  # namesBelow : path -> string -> [ string ]; the files of a folder, as paths below the repository.
  namesBelow =
    folder: shown:
    builtins.concatLists (
      builtins.attrValues (
        builtins.mapAttrs
          (
            name: type:
            if type == "directory" then
              namesBelow (folder + "/${name}") "${shown}${name}/"
            else
              [ "${shown}${name}" ]
          )
          (
            removeAttrs (builtins.readDir folder) [
              ".git"
              "result"
            ]
          )
      )
    );
in
toolchain.runPython {
  name = "cloche-docs-check";
  script = ../../ci/house/check_docs.py;
  inherit reference;
  # `outputs` would be the derivation's own.
  flake = outputs;
  files = namesBelow ../../. "";
  documents = import ./files.nix "documents" "md";
}
