# A folder of the project as a store path of its own, which changes only with what it holds. The path has a name of its
# own (else any edit of the flake would change it), and folders that have become empty are left out.
{
  path,
  name,
  # Paths below the folder, "docs" or "src/data": left out with all they hold.
  exclude ? [ ],
  # The relative paths that are kept, as names of an attribute set: files, and every folder on the way to them.
  keep ? import ../../lib/tests/source-files.nix { inherit path exclude; },
}:
let
  relative = import ./below.nix path;
in
builtins.path {
  inherit name path;
  filter = file: _: keep ? ${relative file};
}
