# The anatomy of an option type, and the ways in which types merge definitions.
lib:
let
  inherit (builtins)
    all
    foldl'
    head
    isAttrs
    isBool
    isInt
    isList
    isString
    length
    tail
    ;
  messages = import ./definition-errors.nix lib;
in
{
  # mkOptionType :: { name; check ?; merge ?; ... } -> type
  mkOptionType =
    {
      # As it stands in `lib.types`.
      name,
      # What a person calls such a value, and how the phrase combines: noun, composite ("list of x"),
      # conjunction ("a or b") or nonRestrictiveClause ("integer, meaning >0").
      description ? name,
      descriptionClass ? null,
      # check :: value -> bool; looks at the outermost level only, to stay lazy.
      check ? _: true,
      # merge :: loc -> [ { file; value; } ] -> value; all values have passed `check`.
      merge ? (import ./option-type.nix lib).mergeAny,
      # { value = ...; } where no definition at all is a value too.
      emptyValue ? { },
      # For the documentation: the options inside, given the name so far.
      getSubOptions ? _: { },
      # The modules inside, or null, and the same type with others.
      getSubModules ? null,
      substSubModules ? _: null,
      # Two declarations of an option merge when `family` is the same and `combine` can join the payloads.
      family ? name,
      payload ? null,
      combine ? _: _: null,
      rebuild ? _: lib.types.${name} or null,
      # The types inside, by name.
      nestedTypes ? { },
    }:
    {
      _type = "option-type";
      inherit
        name
        description
        descriptionClass
        check
        merge
        emptyValue
        getSubOptions
        getSubModules
        substSubModules
        family
        payload
        combine
        rebuild
        nestedTypes
        ;
    };

  # mergeTypes :: type -> type -> type | null; null when the two declarations exclude each other.
  mergeTypes =
    a: b:
    let
      joined = a.combine a.payload b.payload;
    in
    if a.family != b.family then
      null
    else if a.payload == null then
      a.rebuild null
    else if joined == null then
      null
    else
      a.rebuild joined;

  # phrase :: [ descriptionClass ] -> type -> string; in brackets unless its class is among these.
  phrase =
    classes: type:
    if builtins.elem type.descriptionClass classes then type.description else "(${type.description})";

  # mergeEqual :: loc -> [ definition ] -> value; several definitions must be equal.
  mergeEqual =
    loc: defs:
    let
      first = head defs;
      other = lib.findFirst (def: def.value != first.value) null (tail defs);
    in
    if length defs == 1 || other == null then
      first.value
    else
      throw (
        messages.conflict loc [
          first
          other
        ]
      );

  # mergeOne :: string -> (loc -> [ definition ] -> a) -> loc -> [ definition ] -> a
  mergeOne =
    message: merge: loc: defs:
    if length defs == 1 then merge loc defs else throw (messages.severalOfOne loc message defs);

  # first :: loc -> [ definition ] -> value
  first = _: defs: (head defs).value;

  # mergeAny :: loc -> [ definition ] -> value; by the kind of value: lists and strings are joined, sets united,
  # Booleans or-ed, equal integers kept.
  mergeAny =
    loc: defs:
    let
      list = map (def: def.value) defs;
    in
    if length list == 1 then
      head list
    else if all isList list then
      builtins.concatLists list
    else if all isAttrs list then
      foldl' lib.mergeAttrs { } list
    else if all isBool list then
      lib.any lib.id list
    else if all isString list then
      lib.concatStrings list
    else if all isInt list && all (x: x == head list) list then
      head list
    else
      throw (messages.conflict loc defs);
}
