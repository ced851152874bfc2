# tests-record.nix: reading cloche-tests.json.
lib: {
  own = true;
  cases = {
    "testsRecord: none" = {
      expr = lib.testsRecord ./fixtures/records/none.json;
      expected = null;
    };
    "testsRecord: a whole one" = {
      expr = (lib.testsRecord ../fixtures/records/whole.json).start-up;
      expected = 1;
    };
  };
  errors = {
    "testsRecord: of a newer version" = {
      expr = lib.testsRecord ../fixtures/records/newer.json;
      message = "newer.json: the record has format version 2, this Cloche reads 1; make it again with 'nix run .#trace-tests', or use the Cloche that wrote it";
    };
    "testsRecord: something else" = {
      expr = lib.testsRecord ../fixtures/records/foreign.json;
      message = "foreign.json: this is no record of tests (it is no object); make it again with 'nix run .#trace-tests'";
    };
    "testsRecord: a part of one" = {
      expr = lib.testsRecord ../fixtures/records/part.json;
      message = "part.json: this is not a whole record (it has no build, collection, every, modules, paths, start-up, unused); make it again with 'nix run .#trace-tests'";
    };
  };
}
