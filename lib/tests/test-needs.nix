# closures.nix: what each test file needs, of what is there now.
lib:
let
  record = {
    modules."src/p" = "p";
    build = [ "src/p/_version.py" ];
    paths = [
      "src"
      "tests"
    ];
    every = {
      needs = [
        "src/p/__init__.py"
        "pyproject.toml"
      ];
      missing = [ "_winapi" ];
    };
    files = {
      "tests/test_a.py" = {
        needs = [ "src/p/a.py" ];
        absent = [
          "tests/extra.json"
          "src/p/_speed.*"
        ];
        missing = [ "helpers" ];
      };
      "tests/test_b.py".needs = [
        "src/p/b.py"
        "tests/data/"
        "src/p/table.json"
      ];
      "tests/gone.py".needs = [ "src/p/a.py" ];
    };
    unused = [ "README.md" ];
  };
  regular =
    names:
    builtins.listToAttrs (
      map (name: {
        inherit name;
        value = "regular";
      }) names
    );
  directory = names: builtins.mapAttrs (_: _: "directory") (regular names);
  tree =
    directory [
      "tests"
      "tests/data"
    ]
    // regular [
      "README.md"
      "pyproject.toml"
      "tests/data/one.csv"
      "tests/test_a.py"
      "tests/test_b.py"
    ];
  source =
    directory [
      "src"
      "src/p"
    ]
    // regular [
      "README.md"
      "pyproject.toml"
      "src/p/__init__.py"
      "src/p/_version.py"
      "src/p/a.py"
      "src/p/b.py"
      "src/p/fast.c"
      "src/p/table.json"
    ];
  after =
    more: moreSource:
    lib.closures {
      inherit record;
      tree = tree // regular more;
      source = source // regular moreSource;
    };
  found = after [ ] [ ];
  of = found: name: builtins.attrNames found.closures.${name};
  a = of found "tests/test_a.py";
  added =
    more: moreSource: name:
    lib.subtractLists (of found name) (of (after more moreSource) name);
in
{
  own = true;
  cases = {
    "closures: what is recorded, and what pytest reads by itself" = {
      expr = a;
      expected = [
        "pyproject.toml"
        "src/p/__init__.py"
        "src/p/a.py"
      ];
    };
    "closures: a listed folder is all that is in it, what is new too" = {
      expr = [ (of found "tests/test_b.py") ] ++ [ (added [ "tests/data/two.csv" ] [ ] "tests/test_b.py") ];
      expected = [
        [
          "pyproject.toml"
          "src/p/__init__.py"
          "src/p/b.py"
          "tests/data/one.csv"
        ]
        [ "tests/data/two.csv" ]
      ];
    };
    "closures: a file that was looked for in vain and has come to be" = {
      expr = added [ "tests/extra.json" ] [ ] "tests/test_a.py";
      expected = [ "tests/extra.json" ];
    };
    "closures: a module that was, in its package" = {
      expr = added [ ] [ "src/p/_speed.py" ] "tests/test_a.py";
      expected = [ "src/p/_speed.py" ];
    };
    "closures: a module that was, anywhere" = {
      expr = added [ "tests/helpers.py" ] [ ] "tests/test_a.py";
      expected = [ "tests/helpers.py" ];
    };
    "closures: by every file, for every file" = {
      expr = map (added [ "tests/_winapi.py" ] [ ]) [
        "tests/test_a.py"
        "tests/test_b.py"
      ];
      expected = [
        [ "tests/_winapi.py" ]
        [ "tests/_winapi.py" ]
      ];
    };
    "closures: a new conftest.py, package or configuration" = {
      expr = map (name: added [ name ] [ ] "tests/test_a.py") [
        "tests/conftest.py"
        "conftest.py"
        "tests/__init__.py"
        "tox.ini"
        "tests/other.py"
      ];
      expected = [
        [ "tests/conftest.py" ]
        [ "conftest.py" ]
        [ "tests/__init__.py" ]
        [ "tox.ini" ]
        [ ]
      ];
    };
    "closures: what is declared by hand, a whole folder too" = {
      expr =
        let
          declared = record // {
            files = record.files // {
              "tests/test_a.py" = record.files."tests/test_a.py" // {
                declared = [
                  "README.md"
                  "tests/data/**"
                ];
              };
            };
          };
          more = lib.closures {
            record = declared;
            inherit tree source;
          };
        in
        lib.subtractLists a (of more "tests/test_a.py");
      expected = [
        "README.md"
        "tests/data"
        "tests/data/one.csv"
      ];
    };
    "closures: metadata of distributions in the tree" = {
      expr = added [ "p.egg-info/entry_points.txt" ] [ ] "tests/test_a.py";
      expected = [ "p.egg-info/entry_points.txt" ];
    };
    "closures: test files that are gone have none" = {
      expr = found.closures ? "tests/gone.py";
      expected = false;
    };
    "closures: modules are what a batch can be without" = {
      expr = lib.filter (name: found.everything.${name} or "" == "regular") (
        builtins.attrNames found.modules
      );
      expected = [
        "src/p/__init__.py"
        "src/p/a.py"
        "src/p/b.py"
      ];
    };
    "closures: the rest of the wheel is built from all else, and packages" = {
      expr = builtins.attrNames found.frame;
      expected = [
        "README.md"
        "pyproject.toml"
        "src"
        "src/p"
        "src/p/__init__.py"
        "src/p/_version.py"
        "src/p/fast.c"
        "src/p/table.json"
      ];
    };
    "closures: a file of a package that is no module belongs to the wheel's build" = {
      expr =
        let
          more = after [ ] [
            "src/p/new.py"
            "src/p/new.json"
          ];
        in
        map (name: [
          (more.modules ? ${name})
          (more.frame ? ${name})
        ]) [
          "src/p/new.py"
          "src/p/new.json"
        ];
      expected = [
        [
          true
          false
        ]
        [
          false
          true
        ]
      ];
    };
    "closures: files that the record does not know" = {
      expr = [
        found.unknown
        (after [ "tests/test_c.py" ] [ "src/p/new.py" ]).unknown
      ];
      expected = [
        [ "tests/data/one.csv" ]
        [
          "src/p/new.py"
          "tests/data/one.csv"
          "tests/test_c.py"
        ]
      ];
    };
    "closures: what a run may look for in vain" = {
      expr = found.recorded [ "tests/test_a.py" ];
      expected = {
        missing = [
          "_winapi"
          "helpers"
        ];
        names = [
          "pyproject.toml"
          "src/p/__init__.py"
          "src/p/_speed.*"
          "src/p/a.py"
          "tests/extra.json"
        ];
        programs = [ ];
        tops = [
          "data"
          "p"
        ];
      };
    };
  };
}
