# source-files.nix: what a folder of the project holds.
lib:
let
  found = lib.sourceFiles {
    path = ../lock/test-lock;
    exclude = [
      "foreign"
      "old/cloche.lock"
      "stale/cloche.lock"
      "stale/pyproject.toml"
    ];
  };
in
{
  own = true;
  cases = {
    "sourceFiles: by relative path, without what is left out and folders that have become empty" = {
      expr = found;
      expected = {
        good = "directory";
        "good/cloche.lock" = "regular";
        "good/pyproject.toml" = "regular";
        old = "directory";
        "old/pyproject.toml" = "regular";
      };
    };
    "sourceFiles: all of it" = {
      expr = builtins.length (builtins.attrNames (lib.sourceFiles { path = ../lock/test-lock; }));
      expected = 12;
    };
  };
}
