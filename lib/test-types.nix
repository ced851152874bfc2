# Types: which values they accept, how definitions merge, what their names are.
lib:
let
  inherit (lib) types;

  # merged :: type -> [ definition ] -> value; each definition in a module of its own, "1.nix" first.
  merged =
    type: defs:
    (lib.evalModules {
      modules = [
        {
          _file = "declared.nix";
          options.x = lib.mkOption { inherit type; };
        }
      ]
      ++ lib.imap1 (n: x: {
        _file = "${toString n}.nix";
        config = { inherit x; };
      }) defs;
    }).config.x;

  # accepts :: type -> [ value ] -> [ bool ]; whether it can be the value of an option.
  accepts =
    type:
    map (
      value:
      let
        x = merged type [ value ];
      in
      (builtins.tryEval (builtins.deepSeq x x)).success
    );

  described = map (type: type.description);
  storePath = "/nix/store/00000000000000000000000000000000-x";
  module =
    { name, ... }:
    {
      options.id = lib.mkOption {
        type = types.str;
        default = name;
      };
      options.n = lib.mkOption {
        type = types.int;
        default = 0;
      };
      options.list = lib.mkOption {
        type = types.listOf types.int;
        default = [ ];
      };
    };
  sub = types.submodule module;
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
        ./test.nix
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
        ./test.nix
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
      expr = lib.isPath (merged types.path [ ./test.nix ]);
      expected = true;
    };
    "types.path: stays a string" = {
      expr = merged types.path [ "/a" ];
      expected = "/a";
    };
    "types.package" = {
      expr = map types.package.check [
        { type = "derivation"; }
        storePath
        "${storePath}/bin"
        "/usr"
        { }
        1
        { outPath = storePath; }
      ];
      expected = [
        true
        true
        false
        false
        false
        false
        true
      ];
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
    "types.anything" = {
      expr = merged types.anything [
        {
          a.x = 1;
          l = [ 1 ];
        }
        {
          a.y = lib.mkIf true 2;
          a.z = lib.mkIf false 3;
          l = [ 1 ];
        }
      ];
      expected = {
        a = {
          x = 1;
          y = 2;
        };
        l = [ 1 ];
      };
    };
    "types.anything: functions" = {
      expr = merged types.anything [
        (x: { a = x; })
        (x: { b = x + 1; })
      ] 1;
      expected = {
        a = 1;
        b = 2;
      };
    };
    "types.anything: default inside" = {
      expr = merged types.anything [
        { a = lib.mkDefault 1; }
        { a = 2; }
      ];
      expected = {
        a = 2;
      };
    };
    "types.enum" = {
      expr =
        accepts
          (types.enum [
            "a"
            1
            null
          ])
          [
            "a"
            1
            null
            "b"
            1.0
          ];
      expected = [
        true
        true
        true
        false
        true
      ];
    };
    "types.nullOr" = {
      expr = accepts (types.nullOr types.int) [
        null
        1
        "1"
      ];
      expected = [
        true
        true
        false
      ];
    };
    "types.nullOr: nothing defined" = {
      expr = merged (types.nullOr types.int) [ ];
      expected = null;
    };
    "types.nullOr: merges inside" = {
      expr = merged (types.nullOr (types.listOf types.int)) [
        [ 1 ]
        [ 2 ]
      ];
      expected = [
        2
        1
      ];
    };
    "types.nullOr: several nulls" = {
      expr = merged (types.nullOr types.int) [
        null
        null
      ];
      expected = null;
    };
    "types.either" = {
      expr = accepts (types.either types.int types.str) [
        1
        "a"
        1.5
      ];
      expected = [
        true
        true
        false
      ];
    };
    "types.either: merges lists" = {
      expr = merged (types.either types.int (types.listOf types.int)) [
        [ 1 ]
        [ 2 ]
      ];
      expected = [
        2
        1
      ];
    };
    "types.either: the left one first" = {
      expr = merged (types.either (types.listOf types.int) (types.listOf types.str)) [ [ ] ];
      expected = [ ];
    };
    "types.oneOf" = {
      expr =
        accepts
          (types.oneOf [
            types.int
            types.bool
            types.str
          ])
          [
            1
            true
            "a"
            null
          ];
      expected = [
        true
        true
        true
        false
      ];
    };
    "types.oneOf: a single one" = {
      expr = merged (types.oneOf [ types.int ]) [ 1 ];
      expected = 1;
    };
    "types.coercedTo" = {
      expr = merged (types.coercedTo types.str lib.toList (types.listOf types.str)) [
        "a"
        [ "b" ]
        "c"
      ];
      expected = [
        "c"
        "b"
        "a"
      ];
    };
    "types.coercedTo: a submodule" = {
      expr = merged (types.attrsOf (types.coercedTo types.int (n: { inherit n; }) sub)) [
        {
          a = 3;
          b.n = 4;
        }
      ];
      expected = {
        a = {
          id = "a";
          n = 3;
          list = [ ];
        };
        b = {
          id = "b";
          n = 4;
          list = [ ];
        };
      };
    };
    "types.coercedTo: what fails after it" = {
      expr = accepts (types.coercedTo types.str builtins.stringLength types.ints.positive) [
        "a"
        ""
        1
        0
      ];
      expected = [
        true
        false
        true
        false
      ];
    };
    "types.listOf" = {
      expr = merged (types.listOf types.int) [
        [
          1
          2
        ]
        [ 3 ]
      ];
      expected = [
        3
        1
        2
      ];
    };
    "types.listOf: nothing defined" = {
      expr = merged (types.listOf types.int) [ ];
      expected = [ ];
    };
    "types.listOf: conditions inside" = {
      expr = merged (types.listOf types.int) [
        [
          (lib.mkIf false 1)
          (lib.mkIf true 2)
          (lib.mkMerge [ ])
        ]
      ];
      expected = [ 2 ];
    };
    "types.listOf: names of submodules" = {
      expr = map (x: x.id) (
        merged (types.listOf sub) [
          [ { } ]
          [
            { }
            { id = "z"; }
          ]
        ]
      );
      expected = [
        "[definition 1-entry 1]"
        "z"
        "[definition 2-entry 1]"
      ];
    };
    "types.listOf: lazy in entries" = {
      expr = builtins.length (
        merged (types.listOf types.int) [
          [
            "not an integer"
            1
          ]
        ]
      );
      expected = 2;
    };
    "types.nonEmptyListOf" = {
      expr = accepts (types.nonEmptyListOf types.int) [
        [ 1 ]
        [ ]
        [ "a" ]
      ];
      expected = [
        true
        false
        false
      ];
    };
    "types.attrsOf" = {
      expr = merged (types.attrsOf types.int) [
        {
          a = 1;
          b = lib.mkDefault 2;
        }
        { b = 3; }
      ];
      expected = {
        a = 1;
        b = 3;
      };
    };
    "types.attrsOf: conditions inside" = {
      expr = merged (types.attrsOf types.int) [
        {
          a = lib.mkIf false 1;
          b = lib.mkIf true 2;
        }
      ];
      expected = {
        b = 2;
      };
    };
    "types.attrsOf: nothing defined" = {
      expr = merged (types.attrsOf types.int) [ ];
      expected = { };
    };
    "types.attrsOf: lazy in values" = {
      expr =
        (merged (types.attrsOf types.int) [
          {
            a = "no";
            b = 1;
          }
        ]).b;
      expected = 1;
    };
    "types.attrsOf: of lists" = {
      expr = merged (types.attrsOf (types.listOf types.int)) [
        { a = [ 1 ]; }
        { a = [ 2 ]; }
      ];
      expected = {
        a = [
          2
          1
        ];
      };
    };
    "types.lazyAttrsOf" = {
      expr =
        (merged (types.lazyAttrsOf types.int) [
          {
            a = throw "looked";
            b = 1;
          }
        ]).b;
      expected = 1;
    };
    "types.lazyAttrsOf: keeps the names of unfulfilled conditions" = {
      expr = builtins.attrNames (merged (types.lazyAttrsOf types.int) [ { a = lib.mkIf false 1; } ]);
      expected = [ "a" ];
    };
    "types.lazyAttrsOf: an empty value for unfulfilled conditions" = {
      expr = merged (types.lazyAttrsOf (types.nullOr types.int)) [ { a = lib.mkIf false 1; } ];
      expected = {
        a = null;
      };
    };
    "types.submodule" = {
      expr = merged sub [
        {
          n = 1;
          list = [ 1 ];
        }
        { list = [ 2 ]; }
      ];
      expected = {
        id = "x";
        n = 1;
        list = [
          1
          2
        ];
      };
    };
    "types.submodule: nothing defined" = {
      expr = merged sub [ ];
      expected = {
        id = "‹name›";
        n = 0;
        list = [ ];
      };
    };
    "types.submodule: a function" = {
      expr =
        (merged sub [
          (
            { config, ... }:
            {
              n = builtins.stringLength config.id;
            }
          )
        ]).n;
      expected = 1;
    };
    "types.submodule: several modules" = {
      expr = merged (types.submodule [
        { options.a = lib.mkOption { default = 1; }; }
        { options.b = lib.mkOption { default = 2; }; }
      ]) [ { } ];
      expected = {
        a = 1;
        b = 2;
      };
    };
    "types.submodule: an option called options" = {
      expr = merged (types.submodule { options.options = lib.mkOption { type = types.int; }; }) [
        { options = 1; }
      ];
      expected = {
        options = 1;
      };
    };
    "types.submodule: names in attrsOf" = {
      expr = lib.mapAttrs (_: x: x.id) (
        merged (types.attrsOf sub) [
          {
            a = { };
            b.id = "c";
          }
        ]
      );
      expected = {
        a = "a";
        b = "c";
      };
    };
    "types.submodule: freeform" = {
      expr =
        merged
          (types.submodule {
            freeformType = types.attrsOf types.int;
            options.a = lib.mkOption { default = 1; };
          })
          [
            { b = 2; }
            { b = lib.mkForce 3; }
          ];
      expected = {
        a = 1;
        b = 3;
      };
    };
    "types.submoduleWith" = {
      expr = merged (types.submoduleWith {
        modules = [
          (
            { extra, ... }:
            {
              options.a = lib.mkOption { default = extra; };
            }
          )
        ];
        specialArgs.extra = 5;
      }) [ { } ];
      expected = {
        a = 5;
      };
    };
    "types.submoduleWith: a value may declare options" = {
      expr = merged (types.submoduleWith { modules = [ ]; }) [
        { options.q = lib.mkOption { default = 1; }; }
      ];
      expected = {
        q = 1;
      };
    };
    "types.deferredModule" = {
      expr =
        (lib.evalModules {
          modules = [
            module
            { _module.args.name = "m"; }
            (merged types.deferredModule [
              { n = 1; }
              (
                { ... }:
                {
                  list = [ 1 ];
                }
              )
              { list = [ 2 ]; }
            ])
          ];
        }).config;
      expected = {
        id = "m";
        n = 1;
        list = [
          1
          2
        ];
      };
    };
    "types.deferredModuleWith" = {
      expr =
        builtins.length
          (merged (types.deferredModuleWith { staticModules = [ module ]; }) [ { } ]).imports;
      expected = 2;
    };
    "types.functionTo" = {
      expr = merged (types.functionTo (types.listOf types.int)) [
        (x: [ x ])
        (x: [ (x * 2) ])
      ] 3;
      expected = [
        6
        3
      ];
    };
    "types.functionTo: its arguments" = {
      expr = lib.functionArgs (
        merged (types.functionTo types.int) [
          (
            {
              a,
              b ? 1,
            }:
            a
          )
        ]
      );
      expected = {
        a = false;
        b = true;
      };
    };
    "types.uniq" = {
      expr = merged (types.uniq types.int) [ 1 ];
      expected = 1;
    };
    "types.uniq: one of several priorities" = {
      expr = merged (types.uniq types.int) [
        (lib.mkDefault 1)
        2
      ];
      expected = 2;
    };
    "types.unique" = {
      expr = merged (types.unique { message = "one only"; } (types.listOf types.int)) [
        [
          1
          2
        ]
      ];
      expected = [
        1
        2
      ];
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
    "types.optionType" = {
      expr = (merged types.optionType [ types.int ]).name;
      expected = "int";
    };
    "types.optionType: joins lists of choices" = {
      expr =
        (merged types.optionType [
          (types.enum [ "a" ])
          (types.enum [ "b" ])
        ]).check
          "a";
      expected = true;
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
    "types: descriptions of compounds" = {
      expr = described [
        (types.listOf types.int)
        (types.nullOr (types.listOf types.str))
        (types.attrsOf (types.nullOr types.int))
        (types.lazyAttrsOf types.raw)
        (types.either types.ints.positive (types.enum [ "auto" ]))
        (types.either types.str (types.listOf types.str))
        (types.enum [
          "a"
          1
          true
          null
        ])
        (types.enum [ ])
        (types.enum [ "a" ])
        (types.listOf sub)
        (types.submodule { freeformType = types.attrsOf types.int; })
        (types.coercedTo types.str lib.id types.int)
        (types.functionTo types.int)
        (types.nonEmptyListOf types.str)
        (types.oneOf [
          types.int
          types.str
          types.bool
        ])
        (types.nullOr (
          types.enum [
            "a"
            "b"
          ]
        ))
        (types.listOf (types.either types.int types.str))
      ];
      expected = [
        "list of signed integer"
        "null or (list of string)"
        "attribute set of (null or signed integer)"
        "lazy attribute set of raw value"
        "positive integer, meaning >0, or value \"auto\" (singular enum)"
        "string or list of string"
        "one of \"a\", 1, true, <null>"
        "impossible (empty enum)"
        "value \"a\" (singular enum)"
        "list of (submodule)"
        "open submodule of attribute set of signed integer"
        "signed integer or string convertible to it"
        "function that evaluates to a(n) signed integer"
        "non-empty (list of string)"
        "signed integer or string or boolean"
        "null or one of \"a\", \"b\""
        "list of (signed integer or string)"
      ];
    };
  };
  errors = {
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
    "types.listOf: of the wrong type" = {
      expr = merged (types.listOf types.int) [
        [
          1
          "a"
        ]
      ];
      message = "`x.\"[definition 1-entry 2]\"': wrong type\n  expected: signed integer\n  in 1.nix: \"a\" (a string)";
    };
    "types.listOf: no list" = {
      expr = merged (types.listOf types.int) [ 1 ];
      message = "expected: list of signed integer\n  in 1.nix: 1 (an integer)";
    };
    "types.nonEmptyListOf: nothing defined" = {
      expr = merged (types.nonEmptyListOf types.int) [ ];
      message = "`x': used, but not defined\n  expected: non-empty (list of signed integer)\n  declared in declared.nix\nWhat to do: define it.";
    };
    "types.attrsOf: of the wrong type" = {
      expr = merged (types.attrsOf types.int) [ { a."b c" = 1; } ];
      message = "`x.a': wrong type\n  expected: signed integer\n  in 1.nix: { \"b c\" = 1; } (an attribute set)";
    };
    "types.lazyAttrsOf: unfulfilled condition" = {
      expr = merged (types.lazyAttrsOf types.int) [ { a = lib.mkIf false 1; } ];
      message = "`x.a': used, but not defined\n  expected: signed integer\nWhat to do: define `x.a'.";
    };
    "types.nullOr: null and not" = {
      expr = merged (types.nullOr types.int) [
        null
        1
      ];
      message = "`x': defined both null and not null\n  in 2.nix: 1\n  in 1.nix: null\nWhat to do: keep one of the two";
    };
    "types.either: mixed" = {
      expr = merged (types.either types.int types.str) [
        1
        "a"
      ];
      message = "`x': conflicting definitions\n  in 2.nix: \"a\"\n  in 1.nix: 1";
    };
    "types.enum" = {
      expr = merged (types.enum [
        "a"
        "b"
      ]) [ "c" ];
      message = "`x': wrong type\n  expected: one of \"a\", \"b\"\n  in 1.nix: \"c\" (a string)";
    };
    "types.uniq: twice" = {
      expr = merged (types.uniq types.int) [
        1
        1
      ];
      message = "`x': defined 2 times, but takes one definition only\n  in 2.nix: 1\n  in 1.nix: 1\nWhat to do: keep one of them";
    };
    "types.unique: twice" = {
      expr = merged (types.unique { message = "There is one root."; } types.int) [
        1
        2
      ];
      message = "`x': defined 2 times, but takes one definition only\n  There is one root.\n  in 2.nix: 2";
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
    "types.anything: unlike" = {
      expr =
        (merged types.anything [
          { a = 1; }
          { a = "b"; }
        ]).a;
      message = "`x.a': conflicting definitions\n  in 2.nix: \"b\"\n  in 1.nix: 1";
    };
    "types.submodule: no set" = {
      expr = merged sub [ 1 ];
      message = "`x': wrong type\n  expected: submodule\n  in 1.nix: 1 (an integer)";
    };
    "types.submodule: unknown option" = {
      expr = merged sub [ { lst = [ ]; } ];
      message = "`x.lst': there is no such option\n  in 1.nix: [ ]\nWhat to do: did you mean `x.list'?";
    };
    "types.submodule: deep inside" = {
      expr = (merged (types.attrsOf sub) [ { a.n = "1"; } ]).a.n;
      message = "`x.a.n': wrong type\n  expected: signed integer\n  in 1.nix: \"1\" (a string)";
    };
    "types.oneOf: of nothing" = {
      expr = merged (types.oneOf [ ]) [ 1 ];
      message = "types.oneOf: the list is empty; name at least one type.";
    };
    "types.ints.between: the wrong way round" = {
      expr = merged (types.ints.between 3 1) [ 2 ];
      message = "between 3 and 1: the lower bound must come first";
    };
    "types.optionType: unlike" = {
      expr =
        (merged types.optionType [
          types.int
          types.str
        ]).name;
      message = "`x': defined 2 times, but takes one definition only";
    };
    "types.coercedTo: neither" = {
      expr = merged (types.coercedTo types.str lib.toList (types.listOf types.str)) [ 1 ];
      message = "expected: (list of string) or string convertible to it\n  in 1.nix: 1 (an integer)";
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
    "types.str: a long value" = {
      expr = merged types.str [ (lib.range 1 9) ];
      message = "in 1.nix: [ 1 2 3 4 5 ... ] (a list)";
    };
  };
}
