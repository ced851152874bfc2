# Types that choose by the value.
lib:
let
  inherit (lib) types;
  inherit (import ../fixtures/types.nix lib) merged accepts submodule;
in
{
  cases = {
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
      expr = merged (types.attrsOf (types.coercedTo types.int (n: { inherit n; }) submodule)) [
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
  };
  errors = {
    "types.either: mixed" = {
      expr = merged (types.either types.int types.str) [
        1
        "a"
      ];
      message = "`x': conflicting definitions\n  in 2.nix: \"a\"\n  in 1.nix: 1";
    };
    "types.anything: a set and a value" = {
      expr = merged types.anything [
        1
        { a = 1; }
      ];
      message = "`x': conflicting definitions\n  in 2.nix: { a = 1; }\n  in 1.nix: 1\n";
    };
    "types.anything: unlike" = {
      expr =
        (merged types.anything [
          { a = 1; }
          { a = "b"; }
        ]).a;
      message = "`x.a': conflicting definitions\n  in 2.nix: \"b\"\n  in 1.nix: 1";
    };
    "types.oneOf: of nothing" = {
      expr = merged (types.oneOf [ ]) [ 1 ];
      message = "types.oneOf: the list is empty; name at least one type.";
    };
    "types.coercedTo: neither" = {
      expr = merged (types.coercedTo types.str lib.toList (types.listOf types.str)) [ 1 ];
      message = "expected: (list of string) or string convertible to it\n  in 1.nix: 1 (an integer)";
    };
    "types.enum" = {
      expr = merged (types.enum [
        "a"
        "b"
      ]) [ "c" ];
      message = "`x': wrong type\n  expected: one of \"a\", \"b\"\n  in 1.nix: \"c\" (a string)";
    };
  };
}
