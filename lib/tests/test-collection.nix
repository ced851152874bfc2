# collection.nix: what decides which files pytest collects.
lib:
let
  of =
    {
      tree ? {
        "pyproject.toml" = "regular";
        "other.py" = "regular";
      },
      arguments ? [ ],
      variables ? { },
    }:
    lib.collection {
      path = ../lock/test-lock/good;
      inherit tree arguments variables;
    };
in
{
  own = true;
  cases = {
    "collection: configuration files and arguments" = {
      expr = builtins.attrNames (of { });
      expected = [
        "arguments"
        "pyproject.toml"
      ];
    };
    "collection: of pyproject.toml only pytest's table counts" = {
      expr = (of { })."pyproject.toml";
      expected = builtins.hashString "sha256" "null";
    };
    "collection: arguments count" = {
      expr = of { arguments = [ "-x" ]; } == of { };
      expected = false;
    };
    "collection: addopts of the environment count, other variables do not" = {
      expr = map (variables: of { inherit variables; } == of { }) [
        { PYTEST_ADDOPTS = "-x"; }
        { OMP_NUM_THREADS = "1"; }
      ];
      expected = [
        false
        true
      ];
    };
  };
}
