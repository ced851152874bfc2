# batches.nix: which test files are recorded together.
lib:
let
  record = {
    modules."src/p" = "p";
    build = [ ];
    paths = [ "src" ];
    collection.arguments = "x";
    every.needs = [ "src/p/__init__.py" ];
    start-up = 1;
    unused = [
      "src/p/a.py"
      "src/p/b.py"
    ];
    files = {
      "tests/test_a.py" = {
        needs = [ "src/p/a.py" ];
        seconds = 4;
      };
      "tests/test_b.py" = {
        needs = [ "src/p/b.py" ];
        seconds = 6;
      };
    };
  };
  files = names: builtins.mapAttrs (_: _: "regular") names;
  plan =
    changes:
    let
      changed = record // changes;
    in
    lib.batches {
      record = changed;
      tree = files changed.files // {
        tests = "directory";
      } // files (changes.tree or { });
      source = {
        src = "directory";
        "src/p" = "directory";
        "src/p/__init__.py" = "regular";
        "src/p/a.py" = "regular";
        "src/p/b.py" = "regular";
      };
      collection = changes.now or { arguments = "x"; };
    };
  shown =
    changes:
    map (
      batch:
      "${batch.name}: ${if batch.files == null then "the rest" else builtins.concatStringsSep " " batch.files}${
        if batch.whole then " in the whole tree" else ""
      }"
    ) (plan changes).batches;
  lasting = seconds: { files = builtins.mapAttrs (_: part: part // { inherit seconds; }) record.files; };
in
{
  own = true;
  cases = {
    "batches: short ones are joined, though their closures differ" = {
      expr = shown { };
      expected = [ "tests-test_a-and-1-more: tests/test_a.py tests/test_b.py" ];
    };
    "batches: those that last nine times as long as their start have one each" = {
      expr = shown (lasting 9);
      expected = [
        "tests-test_a: tests/test_a.py"
        "tests-test_b: tests/test_b.py"
      ];
    };
    "batches: files with the same closure share one, until it lasts long enough" = {
      expr = shown {
        files = builtins.listToAttrs (
          map (name: {
            name = "tests/test_${name}.py";
            value = {
              needs = [ "src/p/a.py" ];
              seconds = 5;
            };
          }) [ "a" "b" "c" "d" "e" ]
        );
      };
      expected = [
        "tests-test_a-and-1-more: tests/test_a.py tests/test_b.py"
        "tests-test_c-and-2-more: tests/test_c.py tests/test_d.py tests/test_e.py"
      ];
    };
    "batches: what a batch is given" = {
      expr = map (batch: builtins.attrNames batch.keep) (plan (lasting 9)).batches;
      expected = [
        [
          "src"
          "src/p"
          "src/p/__init__.py"
          "src/p/a.py"
          "tests"
          "tests/test_a.py"
        ]
        [
          "src"
          "src/p"
          "src/p/__init__.py"
          "src/p/b.py"
          "tests"
          "tests/test_b.py"
        ]
      ];
    };
    "batches: where another program ran, the whole tree is given" = {
      expr = shown {
        files = record.files // {
          "tests/test_b.py" = record.files."tests/test_b.py" // {
            programs = [ "git" ];
          };
        };
      };
      expected = [
        "tests-test_a: tests/test_a.py"
        "tests-test_b: tests/test_b.py in the whole tree"
      ];
    };
    "batches: an unknown file is run, or looked at, in the whole tree" = {
      expr = shown { tree."tests/test_c.py" = null; };
      expected = [
        "tests-test_a-and-1-more: tests/test_a.py tests/test_b.py"
        "unrecorded: the rest in the whole tree"
      ];
    };
    "batches: so is what another way of collecting may find" = {
      expr = shown { now.arguments = "y"; };
      expected = [
        "tests-test_a-and-1-more: tests/test_a.py tests/test_b.py"
        "unrecorded: the rest in the whole tree"
      ];
    };
    "batches: of the rest the recorded files are left out" = {
      expr = map (batch: batch.leave) (plan { now = { }; }).batches;
      expected = [
        [ ]
        [
          "tests/test_a.py"
          "tests/test_b.py"
        ]
      ];
    };
    "batches: a record of nothing leaves everything to the rest" = {
      expr = shown { files = { }; };
      expected = [ "unrecorded: the rest in the whole tree" ];
    };
    "batches: names that would be the same are told apart" = {
      expr = builtins.length (
        lib.unique (
          map (batch: batch.name) (plan {
            files = {
              "tests/a/b.py" = {
                seconds = 9;
              };
              "tests/a-b.py" = {
                seconds = 9;
              };
            };
          }).batches
        )
      );
      expected = 2;
    };
  };
}
