# Types made of other types.
lib:
let
  inherit (lib) types;
  inherit (import ../fixtures/types.nix lib) merged accepts submodule;
  described = map (type: type.description);
in
{
  cases = {
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
        merged (types.listOf submodule) [
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
    "types.functionTo: its arguments have a default if they have it everywhere" = {
      expr = lib.functionArgs (
        merged (types.functionTo types.int) [
          (
            {
              a ? 1,
              b ? 1,
            }:
            a
          )
          (
            {
              a,
              b ? 1,
            }:
            b
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
        (types.listOf submodule)
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
  };
}
