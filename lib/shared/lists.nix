# Functions on lists, under the names of nixpkgs.lib.
lib:
let
  inherit (builtins)
    elem
    elemAt
    filter
    foldl'
    genList
    length
    ;
in
{
  inherit (builtins)
    all
    any
    concatLists
    concatMap
    elem
    elemAt
    filter
    foldl'
    genList
    groupBy
    head
    length
    map
    partition
    sort
    tail
    ;

  # foldr :: (a -> b -> b) -> b -> [ a ] -> b; from the right, lazy in the rest.
  foldr =
    f: end: list:
    let
      count = length list;
      from = n: if n == count then end else f (elemAt list n) (from (n + 1));
    in
    from 0;

  # optional :: bool -> a -> [ a ]
  optional = condition: x: if condition then [ x ] else [ ];

  # optionals :: bool -> [ a ] -> [ a ]
  optionals = condition: list: if condition then list else [ ];

  # toList :: a | [ a ] -> [ a ]
  toList = x: if builtins.isList x then x else [ x ];

  # imap0, imap1 :: (int -> a -> b) -> [ a ] -> [ b ]; the index counts from 0 or 1.
  imap0 = f: list: genList (n: f n (elemAt list n)) (length list);
  imap1 = f: list: genList (n: f (n + 1) (elemAt list n)) (length list);

  # range :: int -> int -> [ int ]; both ends included, empty when they are the wrong way round.
  range = first: last: if first > last then [ ] else genList (n: first + n) (last - first + 1);

  # last :: [ a ] -> a
  last = list: lib.throwIf (list == [ ]) "last: the list is empty" (elemAt list (length list - 1));

  # init :: [ a ] -> [ a ]; all but the last.
  init = list: lib.throwIf (list == [ ]) "init: the list is empty" (lib.take (length list - 1) list);

  # take, drop :: int -> [ a ] -> [ a ]; the first so many, and what is left without them.
  take = count: list: genList (elemAt list) (lib.max 0 (lib.min count (length list)));
  drop =
    count: list:
    let
      dropped = lib.max 0 (lib.min count (length list));
    in
    genList (n: elemAt list (dropped + n)) (length list - dropped);

  # reverseList :: [ a ] -> [ a ]
  reverseList = list: genList (n: elemAt list (length list - n - 1)) (length list);

  # unique :: [ a ] -> [ a ]; the first of equal elements stays, in its place.
  unique = foldl' (seen: x: if elem x seen then seen else seen ++ [ x ]) [ ];

  # subtractLists :: [ a ] -> [ a ] -> [ a ]; the second without the elements of the first.
  subtractLists = unwanted: filter (x: !(elem x unwanted));

  # intersectLists :: [ a ] -> [ a ] -> [ a ]; the elements of the second that the first has too.
  intersectLists = wanted: filter (x: elem x wanted);

  # remove :: a -> [ a ] -> [ a ]
  remove = unwanted: filter (x: x != unwanted);

  # findFirst :: (a -> bool) -> a -> [ a ] -> a; the second argument when there is none.
  findFirst =
    matches: default: list:
    let
      found = filter matches list;
    in
    if found == [ ] then default else builtins.head found;

  # count :: (a -> bool) -> [ a ] -> int
  count = matches: list: length (filter matches list);

  # flatten :: nested lists -> [ a ]
  flatten = x: if builtins.isList x then builtins.concatMap lib.flatten x else [ x ];

  # sortOn :: (a -> comparable) -> [ a ] -> [ a ]; computes each key once, keeps the order of equals.
  sortOn =
    key: list:
    map (pair: pair.value) (
      builtins.sort (a: b: a.key < b.key) (
        map (value: {
          inherit value;
          key = key value;
        }) list
      )
    );
}
