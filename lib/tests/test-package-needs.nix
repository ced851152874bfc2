# package-closures.nix: which locked packages a batch of tests is given.
lib:
let
  record = {
    packages = {
      click.modules = [ "click" ];
      gone.modules = [ "gone" ];
      numpy.modules = [ "numpy" ];
      pytest.groups = [ "pytest11" ];
    };
    every.packages = [ "pytest" ];
    files = {
      "tests/test_a.py".packages = [ "numpy" ];
      "tests/test_all.py".packages = [ "*" ];
      "tests/test_b.py".declared-packages = [ "click" ];
    };
  };
  closures =
    locked:
    lib.packageClosures {
      inherit locked record;
    };
  found = closures [
    "click"
    "numpy"
    "pytest"
  ];
  given = names: found.given (map (name: "tests/test_${name}.py") names);
in
{
  own = true;
  cases = {
    "packageClosures: what files looked for, or people declared, and what all need" = {
      expr = map given [
        [ "a" ]
        [ "b" ]
        [
          "a"
          "b"
        ]
      ];
      expected = [
        [
          "numpy"
          "pytest"
        ]
        [
          "click"
          "pytest"
        ]
        [
          "click"
          "numpy"
          "pytest"
        ]
      ];
    };
    "packageClosures: who lists packages is given all" = {
      expr = given [ "all" ];
      expected = [
        "click"
        "numpy"
        "pytest"
      ];
    };
    "packageClosures: a package that the record does not know is given to all" = {
      expr = (closures [
        "new"
        "numpy"
        "pytest"
      ]).given [ "tests/test_b.py" ];
      expected = [
        "new"
        "pytest"
      ];
    };
    "packageClosures: what is refused is what the lock has, and was left out" = {
      expr = found.left (given [ "a" ]);
      expected = {
        click.modules = [ "click" ];
      };
    };
  };
  errors = {
    "packageClosures: a record of an older Cloche has no packages" = {
      expr =
        (lib.packageClosures {
          locked = [ "click" ];
          record = removeAttrs record [ "packages" ];
        }).given [ ];
      message = "cloche-tests.json says nothing about packages, which cloche.tests.narrow = \"packages\" needs; make it again with 'nix run .#trace-tests'";
    };
  };
}
