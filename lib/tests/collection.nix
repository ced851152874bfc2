# collection : { path, tree, arguments, variables } -> { name = digest; }
#
# What decides which files pytest collects: its arguments, its configuration, conftest.py. The record cloche-tests.json
# was made with these; when one is another, there may be tests that it does not know.
{
  # The project's folder, and what the tests' tree has of it (sourceFiles).
  path,
  tree,
  arguments,
  variables,
}:
let
  decides = [
    ".pytest.ini"
    ".pytest.toml"
    "conftest.py"
    "pyproject.toml"
    "pytest.ini"
    "pytest.toml"
    "setup.cfg"
    "tox.ini"
  ];
  files = builtins.filter (
    name: tree.${name} != "directory" && builtins.elem (baseNameOf name) decides
  ) (builtins.attrNames tree);
  digest =
    name:
    if baseNameOf name == "pyproject.toml" then
      # Versions, dependencies and other tools' tables decide nothing here.
      builtins.hashString "sha256" (
        builtins.toJSON (
          (builtins.fromTOML (builtins.readFile (path + "/${name}"))).tool.pytest or null
        )
      )
    else
      builtins.hashFile "sha256" (path + "/${name}");
in
builtins.listToAttrs (
  map (name: {
    inherit name;
    value = digest name;
  }) files
)
// {
  arguments = builtins.hashString "sha256" (
    builtins.toJSON {
      inherit arguments;
      addopts = variables.PYTEST_ADDOPTS or "";
    }
  );
}
