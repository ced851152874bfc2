# Types that choose between others by the value.
lib:
let
  inherit (builtins) all foldl' isAttrs;
  inherit (import ./option-type.nix lib)
    mergeEqual
    mergeOne
    mergeTypes
    phrase
    first
    ;
  inherit (import ./definitions.nix lib) messages;
  accepts = type: all (def: type.check def.value);

  either =
    left: right:
    lib.mkOptionType {
      name = "either";
      description =
        let
          second = phrase (
            [
              "noun"
              "conjunction"
            ]
            ++ lib.optional (left.descriptionClass != "nonRestrictiveClause") "composite"
          ) right;
        in
        if left.descriptionClass == "nonRestrictiveClause" then
          "${left.description}, or ${second}"
        else
          "${phrase [ "noun" "conjunction" ] left} or ${second}";
      descriptionClass = "conjunction";
      check = x: left.check x || right.check x;
      # All definitions must be of the same side: there is no merging of one kind with another.
      merge =
        loc: defs:
        if accepts left defs then
          left.merge loc defs
        else if accepts right defs then
          right.merge loc defs
        else
          throw (messages.conflict loc defs);
      payload = { inherit left right; };
      combine =
        a: b:
        let
          l = mergeTypes a.left b.left;
          r = mergeTypes a.right b.right;
        in
        if l == null || r == null then
          null
        else
          {
            left = l;
            right = r;
          };
      rebuild = sides: either sides.left sides.right;
      nestedTypes = { inherit left right; };
    };

  # coercedTo :: type -> (a -> b) -> type -> type; values of the first are converted to the second.
  coercedTo =
    source: convert: target:
    let
      converted = x: if source.check x then convert x else x;
    in
    lib.mkOptionType {
      name = "coercedTo";
      description = "${phrase [ "noun" ] target} or ${phrase [ "noun" ] source} convertible to it";
      check = x: target.check (converted x);
      merge = loc: defs: target.merge loc (map (def: def // { value = converted def.value; }) defs);
      inherit (target) emptyValue getSubOptions getSubModules;
      substSubModules = modules: coercedTo source convert (target.substSubModules modules);
      # Conversions can't be compared, so two declarations never merge.
      payload = { };
      nestedTypes = {
        coercedType = source;
        finalType = target;
      };
    };

  # anything: any value; sets are merged at each level, other values must be equal.
  anything = lib.mkOptionType {
    name = "anything";
    descriptionClass = "noun";
    merge =
      loc: defs:
      let
        kind =
          x: if isAttrs x && (x ? outPath || x ? __toString) then "string-like set" else builtins.typeOf x;
        common = kind (builtins.head defs).value;
        call = argument: map (def: def // { value = def.value argument; }) defs;
      in
      if !all (def: kind def.value == common) defs then
        throw (messages.conflict loc defs)
      else if common == "set" then
        (lib.types.attrsOf anything).merge loc defs
      else if common == "string-like set" then
        mergeOne "" first loc defs
      else if common == "lambda" then
        argument: anything.merge (loc ++ [ "<function body>" ]) (call argument)
      else
        mergeEqual loc defs;
  };
in
{
  inherit anything coercedTo either;
  oneOf =
    types:
    lib.throwIf (types == [ ]) "types.oneOf: the list is empty; name at least one type." (
      foldl' either (builtins.head types) (builtins.tail types)
    );

  # enum :: [ value ] -> type; several declarations accept the values of all.
  enum =
    values:
    let
      show =
        x:
        if builtins.isString x then
          ''"${x}"''
        else if builtins.isInt x then
          toString x
        else if builtins.isBool x then
          lib.boolToString x
        else
          "<${builtins.typeOf x}>";
      count = builtins.length values;
    in
    lib.mkOptionType {
      name = "enum";
      description =
        if count == 0 then
          "impossible (empty enum)"
        else if count == 1 then
          "value ${show (builtins.head values)} (singular enum)"
        else
          "one of ${lib.concatMapStringsSep ", " show values}";
      descriptionClass = if count < 2 then "noun" else "conjunction";
      check = x: builtins.elem x values;
      merge = mergeEqual;
      payload = values;
      combine = a: b: lib.unique (a ++ b);
      rebuild = lib.types.enum;
    };
}
