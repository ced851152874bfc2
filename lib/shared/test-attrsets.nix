lib:
let
  nested = {
    a.b = 1;
    a.c = {
      d = 2;
    };
    e = 3;
  };
in
{
  cases = {
    "attrNames" = {
      expr = lib.attrNames {
        b = 1;
        a = 2;
      };
      expected = [
        "a"
        "b"
      ];
    };
    "attrValues" = {
      expr = lib.attrValues {
        b = 1;
        a = 2;
      };
      expected = [
        2
        1
      ];
    };
    "catAttrs" = {
      expr = lib.catAttrs "a" [
        { a = 1; }
        { b = 2; }
        { a = 3; }
      ];
      expected = [
        1
        3
      ];
    };
    "getAttr" = {
      expr = lib.getAttr "a" { a = 1; };
      expected = 1;
    };
    "hasAttr" = {
      expr = map (lib.hasAttr "a") [
        { a = 1; }
        { }
      ];
      expected = [
        true
        false
      ];
    };
    "intersectAttrs" = {
      expr =
        lib.intersectAttrs
          {
            a = 1;
            b = 2;
          }
          {
            b = 3;
            c = 4;
          };
      expected = {
        b = 3;
      };
    };
    "listToAttrs" = {
      expr = lib.listToAttrs [
        {
          name = "a";
          value = 1;
        }
        {
          name = "a";
          value = 2;
        }
      ];
      expected = {
        a = 1;
      };
    };
    "mapAttrs" = {
      expr = lib.mapAttrs (n: v: "${n}${toString v}") { a = 1; };
      expected = {
        a = "a1";
      };
    };
    "removeAttrs" = {
      expr =
        lib.removeAttrs
          {
            a = 1;
            b = 2;
          }
          [
            "a"
            "z"
          ];
      expected = {
        b = 2;
      };
    };
    "zipAttrsWith" = {
      expr = lib.zipAttrsWith (n: vs: [ n ] ++ vs) [
        { a = 1; }
        {
          a = 2;
          b = 3;
        }
      ];
      expected = {
        a = [
          "a"
          1
          2
        ];
        b = [
          "b"
          3
        ];
      };
    };
    "nameValuePair" = {
      expr = lib.nameValuePair "a" 1;
      expected = {
        name = "a";
        value = 1;
      };
    };
    "mapAttrs'" = {
      expr = lib.mapAttrs' (n: v: lib.nameValuePair "x-${n}" (v + 1)) {
        a = 1;
        b = 2;
      };
      expected = {
        x-a = 2;
        x-b = 3;
      };
    };
    "mapAttrs': the first of equal names" = {
      expr = lib.mapAttrs' (_: v: lib.nameValuePair "x" v) {
        b = 2;
        a = 1;
      };
      expected = {
        x = 1;
      };
    };
    "mapAttrsToList" = {
      expr = lib.mapAttrsToList (n: v: "${n}=${toString v}") {
        b = 2;
        a = 1;
      };
      expected = [
        "a=1"
        "b=2"
      ];
    };
    "concatMapAttrs" = {
      expr =
        lib.concatMapAttrs
          (n: v: {
            ${n} = v;
            "${n}2" = v * 2;
          })
          {
            a = 1;
            b = 2;
          };
      expected = {
        a = 1;
        a2 = 2;
        b = 2;
        b2 = 4;
      };
    };
    "concatMapAttrs: the last of equal names" = {
      expr = lib.concatMapAttrs (_: v: { x = v; }) {
        a = 1;
        b = 2;
      };
      expected = {
        x = 2;
      };
    };
    "attrsToList" = {
      expr = lib.attrsToList {
        b = 2;
        a = 1;
      };
      expected = [
        {
          name = "a";
          value = 1;
        }
        {
          name = "b";
          value = 2;
        }
      ];
    };
    "filterAttrs" = {
      expr = lib.filterAttrs (n: v: n == "a" || v > 2) {
        a = 1;
        b = 2;
        c = 3;
      };
      expected = {
        a = 1;
        c = 3;
      };
    };
    "genAttrs" = {
      expr = lib.genAttrs [ "a" "b" ] (n: n + n);
      expected = {
        a = "aa";
        b = "bb";
      };
    };
    "getAttrs" = {
      expr = lib.getAttrs [ "a" ] {
        a = 1;
        b = 2;
      };
      expected = {
        a = 1;
      };
    };
    "optionalAttrs" = {
      expr = [
        (lib.optionalAttrs true { a = 1; })
        (lib.optionalAttrs false { a = 1; })
      ];
      expected = [
        { a = 1; }
        { }
      ];
    };
    "attrByPath" = {
      expr = [
        (lib.attrByPath [ "a" "b" ] 9 nested)
        (lib.attrByPath [ "a" "x" ] 9 nested)
        (lib.attrByPath [ "e" "x" ] 9 nested)
        (lib.attrByPath [ ] 9 nested.a.c)
      ];
      expected = [
        1
        9
        9
        { d = 2; }
      ];
    };
    "hasAttrByPath" = {
      expr = map (p: lib.hasAttrByPath p nested) [
        [
          "a"
          "c"
          "d"
        ]
        [
          "a"
          "x"
        ]
        [
          "e"
          "x"
        ]
        [ ]
      ];
      expected = [
        true
        false
        false
        true
      ];
    };
    "getAttrFromPath" = {
      expr = lib.getAttrFromPath [ "a" "c" "d" ] nested;
      expected = 2;
    };
    "setAttrByPath" = {
      expr = [
        (lib.setAttrByPath [ "a" "b" ] 1)
        (lib.setAttrByPath [ ] 1)
      ];
      expected = [
        { a.b = 1; }
        1
      ];
    };
    "recursiveUpdate" = {
      expr = lib.recursiveUpdate nested {
        a.b = 5;
        a.c.x = 6;
        f = 7;
      };
      expected = {
        a = {
          b = 5;
          c = {
            d = 2;
            x = 6;
          };
        };
        e = 3;
        f = 7;
      };
    };
    "recursiveUpdate: a set replaces a value and the reverse" = {
      expr =
        lib.recursiveUpdate
          {
            a = 1;
            b.c = 2;
          }
          {
            a.x = 1;
            b = 3;
          };
      expected = {
        a.x = 1;
        b = 3;
      };
    };
    "recursiveUpdate: lists are replaced" = {
      expr = lib.recursiveUpdate { a = [ 1 ]; } { a = [ 2 ]; };
      expected = {
        a = [ 2 ];
      };
    };
    "mapAttrsRecursive" = {
      expr = lib.mapAttrsRecursive (p: v: "${toString p}:${toString v}") nested;
      expected = {
        a = {
          b = "a b:1";
          c.d = "a c d:2";
        };
        e = "e:3";
      };
    };
    "mapAttrsRecursiveCond" = {
      expr = lib.mapAttrsRecursiveCond (v: !(v ? d)) (p: _: toString p) nested;
      expected = {
        a = {
          b = "a b";
          c = "a c";
        };
        e = "e";
      };
    };
    "isDerivation" = {
      expr = map lib.isDerivation [
        { type = "derivation"; }
        { }
        1
      ];
      expected = [
        true
        false
        false
      ];
    };
    "mergeAttrs" = {
      expr = lib.mergeAttrs {
        a = 1;
        b = 1;
      } { b = 2; };
      expected = {
        a = 1;
        b = 2;
      };
    };
    "collect" = {
      expr = lib.collect (x: x ? d) nested;
      expected = [ { d = 2; } ];
    };
    "collect: values" = {
      expr = lib.collect lib.isInt nested;
      expected = [
        1
        2
        3
      ];
    };
  };
  errors = {
    "getAttrFromPath: absent" = {
      expr = lib.getAttrFromPath [ "a" "x" ] nested;
      message = "no attribute `a.x'";
    };
    "getAttrs: absent" = {
      expr = lib.getAttrs [ "z" ] nested;
      message = "attribute 'z' missing";
    };
  };
}
