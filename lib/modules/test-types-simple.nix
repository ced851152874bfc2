# Types of values without an inside: which they accept, how definitions merge, how a refusal reads.
lib:
let
  inherit (lib) types;
  inherit (import ../fixtures/types.nix lib) merged accepts;
  described = map (type: type.description);
  text = builtins.appendContext storePath { ${storePath}.path = true; };
  storePath = "/nix/store/00000000000000000000000000000000-x";
in
{
  cases = {
    "types.bool" = {
      expr = accepts types.bool [
        true
        false
        1
        "true"
        null
      ];
      expected = [
        true
        true
        false
        false
        false
      ];
    };
    "types.bool: equal definitions" = {
      expr = merged types.bool [
        true
        true
      ];
      expected = true;
    };
    "types.int" = {
      expr = accepts types.int [
        1
        (-1)
        1.0
        "1"
      ];
      expected = [
        true
        true
        false
        false
      ];
    };
    "types.float" = {
      expr = accepts types.float [
        1.5
        1
      ];
      expected = [
        true
        false
      ];
    };
    "types.number" = {
      expr = accepts types.number [
        1
        1.5
        "1"
        null
      ];
      expected = [
        true
        true
        false
        false
      ];
    };
    "types.ints.between" = {
      expr = accepts (types.ints.between 1 3) [
        0
        1
        3
        4
        2.0
      ];
      expected = [
        false
        true
        true
        false
        false
      ];
    };
    "types.ints.positive" = {
      expr = accepts types.ints.positive [
        1
        0
        (-1)
        "1"
      ];
      expected = [
        true
        false
        false
        false
      ];
    };
    "types.ints.unsigned" = {
      expr = accepts types.ints.unsigned [
        1
        0
        (-1)
      ];
      expected = [
        true
        true
        false
      ];
    };
    "types.port" = {
      expr = accepts types.port [
        0
        65535
        65536
        (-1)
      ];
      expected = [
        true
        true
        false
        false
      ];
    };
    "types.numbers.between" = {
      expr = accepts (types.numbers.between 0 0.5) [
        0
        0.5
        0.6
        (-1)
      ];
      expected = [
        true
        true
        false
        false
      ];
    };
    "types.numbers.positive" = {
      expr = accepts types.numbers.positive [
        0.1
        0
        1
      ];
      expected = [
        true
        false
        true
      ];
    };
    "types.numbers.nonnegative" = {
      expr = accepts types.numbers.nonnegative [
        0
        0.0
        (-0.1)
      ];
      expected = [
        true
        true
        false
      ];
    };
    "types.str" = {
      expr = accepts types.str [
        ""
        "a"
        1
        ../test.nix
        null
      ];
      expected = [
        true
        true
        false
        false
        false
      ];
    };
    "types.nonEmptyStr" = {
      expr = accepts types.nonEmptyStr [
        "a"
        ""
        " \n\t"
        " a"
      ];
      expected = [
        true
        false
        false
        true
      ];
    };
    "types.singleLineStr" = {
      expr = accepts types.singleLineStr [
        "a"
        "a\n"
        "a\nb"
        "a\n\n"
        "a\rb"
      ];
      expected = [
        true
        true
        false
        false
        false
      ];
    };
    "types.singleLineStr: loses its newline" = {
      expr = merged types.singleLineStr [ "a\n" ];
      expected = "a";
    };
    "types.strMatching" = {
      expr = accepts (types.strMatching "[a-z]+") [
        "ab"
        "a1"
        ""
        1
      ];
      expected = [
        true
        false
        false
        false
      ];
    };
    "types.lines" = {
      expr = merged types.lines [
        "a"
        "b"
      ];
      expected = "b\na";
    };
    "types.lines: ordered" = {
      expr = merged types.lines [
        (lib.mkBefore "a")
        "b"
        (lib.mkAfter "c")
      ];
      expected = "a\nb\nc";
    };
    "types.commas" = {
      expr = merged types.commas [
        "a"
        "b"
      ];
      expected = "b,a";
    };
    "types.separatedString" = {
      expr = merged (types.separatedString " + ") [
        "a"
        "b"
      ];
      expected = "b + a";
    };
    "types.path" = {
      expr = accepts types.path [
        "/a"
        "a"
        ../test.nix
        1
        { outPath = "/b"; }
        { __toString = _: "c"; }
      ];
      expected = [
        true
        false
        true
        false
        true
        false
      ];
    };
    "types.path: stays a path" = {
      expr = lib.isPath (merged types.path [ ../test.nix ]);
      expected = true;
    };
    "types.path: stays a string" = {
      expr = merged types.path [ "/a" ];
      expected = "/a";
    };
    "types.package: a derivation" = {
      expr =
        (merged types.package [
          {
            type = "derivation";
            name = "p";
          }
        ]).name;
      expected = "p";
    };
    "types.raw" = {
      expr = merged types.raw [ { a = lib.mkIf false 1; } ];
      expected = {
        a = {
          _type = "if";
          condition = false;
          content = 1;
        };
      };
    };
    "types.unspecified" = {
      expr = merged types.unspecified [ 1 ];
      expected = 1;
    };
    "types.unspecified: lists" = {
      expr = merged types.unspecified [
        [ 1 ]
        [ 2 ]
      ];
      expected = [
        2
        1
      ];
    };
    "types.unspecified: sets, flat" = {
      expr = merged types.unspecified [
        { a.x = 1; }
        {
          a.y = 2;
          b = 3;
        }
      ];
      expected = {
        a.x = 1;
        b = 3;
      };
    };
    "types.unspecified: strings" = {
      expr = merged types.unspecified [
        "a"
        "b"
      ];
      expected = "ba";
    };
    "types.unspecified: Booleans" = {
      expr = merged types.unspecified [
        true
        false
      ];
      expected = true;
    };
    "types.unspecified: equal integers" = {
      expr = merged types.unspecified [
        1
        1
      ];
      expected = 1;
    };
    "types.addCheck" = {
      expr = accepts (types.addCheck types.int (x: x != 3)) [
        1
        3
        "a"
      ];
      expected = [
        true
        false
        false
      ];
    };
    "types.addCheck: of a list" = {
      expr = accepts (types.addCheck (types.listOf types.int) (x: builtins.length x == 2)) [
        [
          1
          2
        ]
        [ 1 ]
      ];
      expected = [
        true
        false
      ];
    };
    "types.addCheck: of either" = {
      expr = accepts (types.addCheck (types.either types.int types.str) (x: x != 1)) [
        1
        2
        "a"
      ];
      expected = [
        false
        true
        true
      ];
    };
    "mkOptionType" = {
      expr =
        accepts
          (lib.mkOptionType {
            name = "even";
            check = x: lib.isInt x && x / 2 * 2 == x;
          })
          [
            2
            3
          ];
      expected = [
        true
        false
      ];
    };
    "mkOptionType: merge" = {
      expr =
        merged
          (lib.mkOptionType {
            name = "sum";
            merge = _: lib.foldl' (sum: def: sum + def.value) 0;
          })
          [
            1
            2
            3
          ];
      expected = 6;
    };
    "types: descriptions" = {
      expr = described [
        types.bool
        types.int
        types.ints.positive
        types.ints.unsigned
        (types.ints.between 1 3)
        types.port
        types.float
        types.number
        types.str
        types.nonEmptyStr
        types.singleLineStr
        (types.strMatching "a+")
        types.lines
        types.path
        types.package
        types.raw
        types.anything
        types.unspecified
        (types.numbers.between 0 0.5)
        types.numbers.positive
        types.deferredModule
        types.optionType
      ];
      expected = [
        "boolean"
        "signed integer"
        "positive integer, meaning >0"
        "unsigned integer, meaning >=0"
        "integer between 1 and 3 (both inclusive)"
        "16 bit unsigned integer; between 0 and 65535 (both inclusive)"
        "floating point number"
        "signed integer or floating point number"
        "string"
        "non-empty string"
        "(optionally newline-terminated) single-line string"
        "string matching the pattern a+"
        "strings concatenated with \"\\n\""
        "absolute path"
        "package"
        "raw value"
        "anything"
        "unspecified value"
        "integer or floating point number between 0 and 0.5 (both inclusive)"
        "positive integer or floating point number, meaning >0"
        "module"
        "optionType"
      ];
    };
    "types.package: what it checks" = {
      expr = map types.package.check [
        { type = "derivation"; }
        "${storePath}/bin"
        "/usr"
        { }
        1
        { outPath = storePath; }
      ];
      expected = [
        true
        false
        false
        false
        false
        true
      ];
    };
    "types.package: a store object that isn't a derivation" = {
      expr = (merged types.package [ { outPath = storePath; } ]).outPath;
      expected = storePath;
    };
    "types.package: a text with a package in it" = {
      expr = builtins.hasContext (merged types.package [ text ]);
      expected = true;
    };
  };
  errors = {
    "types.package: a bare path" = {
      stricter = true;
      expr = (merged types.package [ storePath ]).outPath;
      message = "`x': a store path that nothing depends on, where a package must stand\n  in 1.nix: \"/nix/store/00000000000000000000000000000000-x\"\nWhat to do: give the package itself, or a text made from it, such as \"\${package}\".";
    };
    "types.bool" = {
      expr = merged types.bool [ "yes" ];
      message = "`x': wrong type\n  expected: boolean\n  in 1.nix: \"yes\" (a string)\nWhat to do: give it a value of the expected type there.";
    };
    "types.bool: conflict" = {
      expr = merged types.bool [
        true
        false
      ];
      message = "`x': conflicting definitions\n  in 2.nix: false\n  in 1.nix: true\nWhat to do: keep one of them, or put `lib.mkForce' before the value that shall win.";
    };
    "types.str: a path" = {
      expr = merged types.str [ /a ];
      message = "`x': wrong type\n  expected: string\n  in 1.nix: /a (a path)";
    };
    "types.str: several bad ones" = {
      expr = merged types.str [
        1
        "good"
        [ ]
      ];
      message = "`x': wrong type\n  expected: string\n  in 3.nix: [ ] (a list)\n  in 1.nix: 1 (an integer)\nWhat";
    };
    "types.raw: twice" = {
      expr = merged types.raw [
        1
        1
      ];
      message = "`x': defined 2 times, but takes one definition only";
    };
    "types.unspecified: unlike" = {
      expr = merged types.unspecified [
        1
        "a"
      ];
      message = "`x': conflicting definitions\n  in 2.nix: \"a\"\n  in 1.nix: 1";
    };
    "types.unspecified: functions" = {
      expr = merged types.unspecified [
        (x: x)
        (x: x)
      ] 1;
      message = "`x': conflicting definitions\n  in 2.nix: <function>\n  in 1.nix: <function>";
    };
    "types.ints.between: the wrong way round" = {
      expr = merged (types.ints.between 3 1) [ 2 ];
      message = "between 3 and 1: the lower bound must come first";
    };
    "types.str: a condition inside mkForce" = {
      expr = merged types.str [ (lib.mkForce (lib.mkIf true "a")) ];
      message = "in 1.nix: <mkIf> (a mkIf where a value must stand)";
    };
    "types.str: a value that fails to evaluate" = {
      expr = merged (types.listOf types.str) [
        {
          a = throw "no";
          f = x: x;
          d = {
            type = "derivation";
            name = "n";
          };
        }
      ];
      message = "in 1.nix: { a = <error>; d = <derivation n>; f = <function>; } (an attribute set)";
    };
    "types.int: a long text" = {
      expr = merged types.int [ (lib.concatStrings (lib.genList (_: "1234567890") 9)) ];
      message = "in 1.nix: \"123456789012345678901234567890123456789012345678901234567890...\" (a string)";
    };
    "types.str: a long value" = {
      expr = merged types.str [ (lib.range 1 9) ];
      message = "in 1.nix: [ 1 2 3 4 5 ... ] (a list)";
    };
  };
}
