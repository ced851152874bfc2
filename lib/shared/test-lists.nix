lib: {
  cases = {
    "all" = {
      expr = map (lib.all (x: x > 1)) [
        [
          2
          3
        ]
        [
          1
          2
        ]
        [ ]
      ];
      expected = [
        true
        false
        true
      ];
    };
    "any" = {
      expr = map (lib.any (x: x > 1)) [
        [
          1
          3
        ]
        [ 1 ]
        [ ]
      ];
      expected = [
        true
        false
        false
      ];
    };
    "concatLists" = {
      expr = lib.concatLists [
        [ 1 ]
        [ ]
        [
          2
          3
        ]
      ];
      expected = [
        1
        2
        3
      ];
    };
    "concatMap" = {
      expr =
        lib.concatMap
          (x: [
            x
            (x * 2)
          ])
          [
            1
            2
          ];
      expected = [
        1
        2
        2
        4
      ];
    };
    "elem" = {
      expr = map (lib.elem 1) [
        [
          2
          1
        ]
        [ ]
      ];
      expected = [
        true
        false
      ];
    };
    "elemAt" = {
      expr = lib.elemAt [ 1 2 3 ] 1;
      expected = 2;
    };
    "filter" = {
      expr = lib.filter (x: x > 1) [
        1
        2
        3
      ];
      expected = [
        2
        3
      ];
    };
    "foldl'" = {
      expr = lib.foldl' (a: b: "${a}${b}") "" [
        "a"
        "b"
        "c"
      ];
      expected = "abc";
    };
    "foldr" = {
      expr = lib.foldr (a: b: "${a}(${b})") "-" [
        "a"
        "b"
      ];
      expected = "a(b(-))";
    };
    "foldr: lazy in the rest" = {
      expr = lib.foldr (a: b: if a then 1 else b) 2 [
        false
        true
        (throw "looked")
      ];
      expected = 1;
    };
    "genList" = {
      expr = lib.genList (n: n * n) 4;
      expected = [
        0
        1
        4
        9
      ];
    };
    "groupBy" = {
      expr = lib.groupBy (x: if x > 1 then "big" else "small") [
        1
        2
        3
        1
      ];
      expected = {
        big = [
          2
          3
        ];
        small = [
          1
          1
        ];
      };
    };
    "head" = {
      expr = lib.head [
        1
        2
      ];
      expected = 1;
    };
    "tail" = {
      expr = lib.tail [
        1
        2
        3
      ];
      expected = [
        2
        3
      ];
    };
    "length" = {
      expr = lib.length [
        1
        2
      ];
      expected = 2;
    };
    "map" = {
      expr = lib.map (x: x + 1) [
        1
        2
      ];
      expected = [
        2
        3
      ];
    };
    "partition" = {
      expr = lib.partition (x: x > 1) [
        1
        2
        3
      ];
      expected = {
        right = [
          2
          3
        ];
        wrong = [ 1 ];
      };
    };
    "sort" = {
      expr = lib.sort (a: b: a < b) [
        3
        1
        2
      ];
      expected = [
        1
        2
        3
      ];
    };
    "optional" = {
      expr = [
        (lib.optional true 1)
        (lib.optional false 1)
      ];
      expected = [
        [ 1 ]
        [ ]
      ];
    };
    "optional: lazy" = {
      expr = lib.optional false (throw "looked");
      expected = [ ];
    };
    "optionals" = {
      expr = [
        (lib.optionals true [
          1
          2
        ])
        (lib.optionals false [ 1 ])
      ];
      expected = [
        [
          1
          2
        ]
        [ ]
      ];
    };
    "toList" = {
      expr = [
        (lib.toList 1)
        (lib.toList [ 1 ])
        (lib.toList null)
      ];
      expected = [
        [ 1 ]
        [ 1 ]
        [ null ]
      ];
    };
    "imap0" = {
      expr = lib.imap0 (n: x: "${toString n}${x}") [
        "a"
        "b"
      ];
      expected = [
        "0a"
        "1b"
      ];
    };
    "imap1" = {
      expr = lib.imap1 (n: x: "${toString n}${x}") [
        "a"
        "b"
      ];
      expected = [
        "1a"
        "2b"
      ];
    };
    "range" = {
      expr = lib.range 2 4;
      expected = [
        2
        3
        4
      ];
    };
    "range: one" = {
      expr = lib.range 2 2;
      expected = [ 2 ];
    };
    "range: the wrong way round" = {
      expr = lib.range 3 2;
      expected = [ ];
    };
    "last" = {
      expr = lib.last [
        1
        2
        3
      ];
      expected = 3;
    };
    "init" = {
      expr = lib.init [
        1
        2
        3
      ];
      expected = [
        1
        2
      ];
    };
    "init: one" = {
      expr = lib.init [ 1 ];
      expected = [ ];
    };
    "take" = {
      expr =
        map
          (
            n:
            lib.take n [
              1
              2
              3
            ]
          )
          [
            0
            2
            9
          ];
      expected = [
        [ ]
        [
          1
          2
        ]
        [
          1
          2
          3
        ]
      ];
    };
    "drop" = {
      expr =
        map
          (
            n:
            lib.drop n [
              1
              2
              3
            ]
          )
          [
            0
            2
            9
          ];
      expected = [
        [
          1
          2
          3
        ]
        [ 3 ]
        [ ]
      ];
    };
    "reverseList" = {
      expr = lib.reverseList [
        1
        2
        3
      ];
      expected = [
        3
        2
        1
      ];
    };
    "unique" = {
      expr = lib.unique [
        3
        1
        3
        2
        1
      ];
      expected = [
        3
        1
        2
      ];
    };
    "unique: of sets" = {
      expr = lib.unique [
        { a = 1; }
        { a = 1; }
        { }
      ];
      expected = [
        { a = 1; }
        { }
      ];
    };
    "subtractLists" = {
      expr = lib.subtractLists [ 1 2 ] [ 1 3 2 4 3 ];
      expected = [
        3
        4
        3
      ];
    };
    "intersectLists" = {
      expr = lib.intersectLists [ 3 1 ] [ 1 2 3 ];
      expected = [
        1
        3
      ];
    };
    "intersectLists: repeated" = {
      expr = lib.intersectLists [ 1 1 ] [ 1 2 1 ];
      expected = [
        1
        1
      ];
    };
    "remove" = {
      expr = lib.remove 1 [
        1
        2
        1
        3
      ];
      expected = [
        2
        3
      ];
    };
    "findFirst" = {
      expr = lib.findFirst (x: x > 1) 0 [
        1
        2
        3
      ];
      expected = 2;
    };
    "findFirst: none" = {
      expr = lib.findFirst (x: x > 9) 0 [
        1
        2
        3
      ];
      expected = 0;
    };
    "count" = {
      expr = lib.count (x: x > 1) [
        1
        2
        3
      ];
      expected = 2;
    };
    "flatten" = {
      expr = lib.flatten [
        1
        [
          2
          [
            3
            [ ]
          ]
        ]
      ];
      expected = [
        1
        2
        3
      ];
    };
    "flatten: no list" = {
      expr = lib.flatten 1;
      expected = [ 1 ];
    };
    "sortOn" = {
      expr = lib.sortOn (x: 0 - x) [
        1
        3
        2
      ];
      expected = [
        3
        2
        1
      ];
    };
    "sortOn: keeps the order of equals" = {
      expr = lib.sortOn (x: x.k) [
        {
          k = 1;
          v = "b";
        }
        {
          k = 0;
          v = "c";
        }
        {
          k = 1;
          v = "a";
        }
      ];
      expected = [
        {
          k = 0;
          v = "c";
        }
        {
          k = 1;
          v = "b";
        }
        {
          k = 1;
          v = "a";
        }
      ];
    };
  };
  errors = {
    "last: empty" = {
      expr = lib.last [ ];
      message = "last: the list is empty";
    };
    "init: empty" = {
      expr = lib.init [ ];
      message = "init: the list is empty";
    };
  };
}
