# relevant : pyproject -> attribute set
#
# The parts of pyproject.toml that a lock depends on. The lock records their digest, `cloche.lock.project` computes the
# same, and evaluation compares: an edit of the linter's settings leaves a lock current, one of a requirement doesn't.
pyproject:
let
  pick =
    names: set:
    builtins.listToAttrs (
      builtins.concatMap (
        name:
        if set ? ${name} then
          [
            {
              inherit name;
              value = set.${name};
            }
          ]
        else
          [ ]
      ) names
    );
  tables = pyproject.tool or { };
  tool =
    builtins.mapAttrs
      (
        name: table:
        if name == "poetry" then
          pick [
            "dependencies"
            "dev-dependencies"
            "group"
            "extras"
          ] table
        else
          table
      )
      (
        pick [
          "cloche"
          "poetry"
          "uv"
        ] tables
      );
  full = builtins.filter (name: tool.${name} != { }) (builtins.attrNames tool);
in
pick [
  "build-system"
  "dependency-groups"
] pyproject
// (
  if pyproject ? project then
    {
      project = pick [
        "name"
        "requires-python"
        "dependencies"
        "optional-dependencies"
      ] pyproject.project;
    }
  else
    { }
)
// (if full == [ ] then { } else { tool = pick full tool; })
