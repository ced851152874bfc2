lib: {
  cases = {
    "id" = {
      expr = lib.id 3;
      expected = 3;
    };
    "const" = {
      expr = lib.const 1 2;
      expected = 1;
    };
    "const: never looks at the second" = {
      expr = lib.const 1 (throw "looked");
      expected = 1;
    };
    "flip" = {
      expr = lib.flip (a: b: a - b) 1 10;
      expected = 9;
    };
    "pipe" = {
      expr = lib.pipe 2 [
        (x: x + 1)
        (x: x * 10)
        toString
      ];
      expected = "30";
    };
    "pipe: no function" = {
      expr = lib.pipe 2 [ ];
      expected = 2;
    };
    "isFunction" = {
      expr = map lib.isFunction [
        (x: x)
        { __functor = _: x: x; }
        { }
        1
      ];
      expected = [
        true
        true
        false
        false
      ];
    };
    "isType" = {
      expr = map (lib.isType "a") [
        { _type = "a"; }
        { _type = "b"; }
        { }
        1
      ];
      expected = [
        true
        false
        false
        false
      ];
    };
    "isAttrs" = {
      expr = map lib.isAttrs [
        { }
        [ ]
      ];
      expected = [
        true
        false
      ];
    };
    "isBool" = {
      expr = map lib.isBool [
        true
        1
      ];
      expected = [
        true
        false
      ];
    };
    "isFloat" = {
      expr = map lib.isFloat [
        1.0
        1
      ];
      expected = [
        true
        false
      ];
    };
    "isInt" = {
      expr = map lib.isInt [
        1
        1.0
      ];
      expected = [
        true
        false
      ];
    };
    "isList" = {
      expr = map lib.isList [
        [ ]
        { }
      ];
      expected = [
        true
        false
      ];
    };
    "isPath" = {
      expr = map lib.isPath [
        ../test.nix
        "/a"
      ];
      expected = [
        true
        false
      ];
    };
    "isString" = {
      expr = map lib.isString [
        ""
        ../test.nix
      ];
      expected = [
        true
        false
      ];
    };
    "typeOf" = {
      expr = map lib.typeOf [
        1
        1.5
        ""
        null
        [ ]
        { }
        (x: x)
        true
      ];
      expected = [
        "int"
        "float"
        "string"
        "null"
        "list"
        "set"
        "lambda"
        "bool"
      ];
    };
    "functionArgs" = {
      expr = lib.functionArgs (
        {
          a,
          b ? 1,
          ...
        }:
        a
      );
      expected = {
        a = false;
        b = true;
      };
    };
    "functionArgs: none to name" = {
      expr = lib.functionArgs (x: x);
      expected = { };
    };
    "boolToString" = {
      expr = map lib.boolToString [
        true
        false
      ];
      expected = [
        "true"
        "false"
      ];
    };
    "throwIf: passes the value on" = {
      expr = lib.throwIf false "no" 1;
      expected = 1;
    };
    "throwIfNot: passes the value on" = {
      expr = lib.throwIfNot true "no" 1;
      expected = 1;
    };
    "assertMsg" = {
      expr = lib.assertMsg true "no";
      expected = true;
    };
    "warn: passes the value on" = {
      expr = lib.warn "only a warning of a test" 1;
      expected = 1;
    };
    "warnIf: passes the value on" = {
      expr = lib.warnIf false "never shown" 1;
      expected = 1;
    };
    "seq" = {
      expr = lib.seq 1 2;
      expected = 2;
    };
    "seq: one level only" = {
      expr = lib.seq { a = throw "looked"; } 2;
      expected = 2;
    };
    "deepSeq" = {
      expr = lib.deepSeq { a = 1; } 2;
      expected = 2;
    };
    "addErrorContext" = {
      expr = lib.addErrorContext "context" 1;
      expected = 1;
    };
    "toJSON" = {
      expr = lib.toJSON {
        b = [
          1
          null
        ];
        a = "x";
      };
      expected = ''{"a":"x","b":[1,null]}'';
    };
    "importJSON" = {
      expr = lib.importJSON ../fixtures/data.json;
      expected = {
        a = [
          1
          2.5
          null
        ];
      };
    };
    "importTOML" = {
      expr = lib.importTOML ../fixtures/data.toml;
      expected = {
        project.name = "branin";
      };
    };
    "min" = {
      expr = map (lib.min 2) [
        1
        3
      ];
      expected = [
        1
        2
      ];
    };
    "max" = {
      expr = map (lib.max 2) [
        1
        3
      ];
      expected = [
        2
        3
      ];
    };
    "compareVersions" = {
      expr = map (lib.compareVersions "1.10") [
        "1.9"
        "1.10"
        "1.11"
      ];
      expected = [
        1
        0
        (-1)
      ];
    };
    "splitVersion" = {
      expr = lib.splitVersion "3.11.2rc1";
      expected = [
        "3"
        "11"
        "2"
        "rc"
        "1"
      ];
    };
    "versionOlder" = {
      expr = map (lib.versionOlder "3.11") [
        "3.9"
        "3.11"
        "3.12"
      ];
      expected = [
        false
        false
        true
      ];
    };
    "versionAtLeast" = {
      expr = map (lib.versionAtLeast "3.11") [
        "3.9"
        "3.11"
        "3.12"
      ];
      expected = [
        true
        true
        false
      ];
    };
  };
  errors = {
    "throwIf" = {
      expr = lib.throwIf true "no good" 1;
      message = "no good";
    };
    "throwIfNot" = {
      expr = lib.throwIfNot false "no good" 1;
      message = "no good";
    };
    "assertMsg: fails" = {
      expr = lib.assertMsg false "no good";
      message = "no good";
    };
    "deepSeq: all levels" = {
      expr = lib.deepSeq { a = throw "looked"; } 2;
      message = "looked";
    };
  };
}
