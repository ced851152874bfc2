# packageClosures : { record, locked } -> { given, left }
#
# Which locked packages a batch of tests is given, by the record cloche-tests.json: what its files looked for, and each
# package that the record does not know, because nobody can say who would see it.
{
  # The content of cloche-tests.json.
  record,
  # The packages that the lock has for the tests.
  locked,
  # What every batch is given.
  always ? [ ],
}:
let
  inherit (builtins)
    concatMap
    elem
    filter
    intersectAttrs
    removeAttrs
    ;
  inherit (import ./path-sets.nix) set;
  known =
    record.packages
      or (throw "cloche-tests.json says nothing about packages, which cloche.tests.narrow = \"packages\" needs; make it again with 'nix run .#trace-tests'");
  of = part: part.packages or [ ] ++ part.declared-packages or [ ];
in
{
  # given : [ test file ] -> [ package ]
  given =
    files:
    let
      names = always ++ of record.every ++ concatMap (path: of record.files.${path}) files;
      needed = set names;
    in
    if elem "*" names then
      locked
    else
      filter (name: needed ? ${name} || !(known ? ${name})) locked;
  # left : [ package ] -> { package = what it offers; }; those that the lock has, and a batch with these has not.
  left = given: intersectAttrs (removeAttrs (set locked) given) known;
  # What the record knows of the packages that the lock has.
  table = intersectAttrs (set locked) known;
}
