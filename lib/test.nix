# All suites below this folder (test-*.nix) and the names without a case, for ci/test-lib.
#
# A suite is a function `lib: { cases; errors ? { }; own ? false; }`, where
#   cases."NAME: WHAT"  = { expr; expected; }     a value, serialisable as JSON
#   errors."NAME: WHAT" = { expr; message; }      an expression that must fail with a text that contains the message;
#                                                 `stricter = true` when nixpkgs accepts it
#   own                 = whether it uses names that only Cloche's library has, so can't run under nixpkgs'
# NAME is the exported name that the case is about, such as `unique` or `types.enum`.
{
  # The library under test.
  lib ? import ./.,
  # Whether that is nixpkgs', which runs what both must do alike.
  nixpkgs ? false,
  # Chooses one case, for `error` and `value`.
  suite ? null,
  name ? null,
}:
let
  inherit (builtins)
    attrNames
    concatMap
    elem
    filter
    isAttrs
    isFunction
    listToAttrs
    mapAttrs
    match
    readDir
    ;

  folders = filter (name: (readDir ./.).${name} == "directory") (attrNames (readDir ./.));
  loaded = listToAttrs (
    concatMap (
      folder:
      map
        (file: {
          name = builtins.head (match "test-(.*)\\.nix" file);
          value = import (./. + "/${folder}/${file}") lib;
        })
        (filter (file: match "test-.*\\.nix" file != null) (attrNames (readDir (./. + "/${folder}"))))
    ) folders
  );
  skip = filter (each: nixpkgs && loaded.${each}.own or false) (attrNames loaded);
  suites = removeAttrs loaded skip;

  # mustFail :: suite -> errors; those that the library under test must refuse.
  mustFail =
    each:
    let
      errors = each.errors or { };
      stricter = filter (key: errors.${key}.stricter or false) (attrNames errors);
    in
    removeAttrs errors (if nixpkgs then stricter else [ ]);

  # Exported functions and types, with dots: "unique", "types.enum", "types.ints.positive".
  exported =
    prefix: set:
    concatMap (
      key:
      let
        value = set.${key};
      in
      if isFunction value || value ? __functor || value._type or null == "option-type" then
        [ "${prefix}${key}" ]
      else if isAttrs value then
        exported "${prefix}${key}." value
      else
        [ ]
    ) (attrNames set);

  subject = case: builtins.head (match "([^:]*):?.*" case);
  covered = concatMap (each: map subject (attrNames each.cases ++ attrNames (each.errors or { }))) (
    builtins.attrValues loaded
  );
in
{
  cases = mapAttrs (
    _: each:
    mapAttrs (_: case: {
      actual = case.expr;
      inherit (case) expected;
    }) each.cases
  ) suites;
  messages = mapAttrs (_: each: mapAttrs (_: case: case.message) (mustFail each)) suites;
  uncovered = filter (each: !elem each covered) (exported "" lib);

  # Names only, which evaluates no case.
  names = mapAttrs (_: each: attrNames each.cases) suites;

  value = {
    actual = suites.${suite}.cases.${name}.expr;
    inherit (suites.${suite}.cases.${name}) expected;
  };
  error = suites.${suite}.errors.${name}.expr;
}
