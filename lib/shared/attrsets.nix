# Functions on attribute sets, under the names of nixpkgs.lib.
lib:
let
  inherit (builtins)
    attrNames
    head
    intersectAttrs
    isAttrs
    listToAttrs
    mapAttrs
    tail
    ;
in
{
  inherit (builtins)
    attrNames
    attrValues
    catAttrs
    getAttr
    hasAttr
    intersectAttrs
    listToAttrs
    mapAttrs
    removeAttrs
    zipAttrsWith
    ;

  # nameValuePair :: string -> a -> { name; value; }
  nameValuePair = name: value: { inherit name value; };

  # mapAttrs' :: (string -> a -> { name; value; }) -> { ... } -> { ... }
  mapAttrs' = f: set: listToAttrs (lib.mapAttrsToList f set);

  # mapAttrsToList :: (string -> a -> b) -> { ... } -> [ b ]; in the order of the names.
  mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);

  # concatMapAttrs :: (string -> a -> { ... }) -> { ... } -> { ... }
  concatMapAttrs = f: set: builtins.foldl' (all: one: all // one) { } (lib.mapAttrsToList f set);

  # attrsToList :: { ... } -> [ { name; value; } ]
  attrsToList = lib.mapAttrsToList lib.nameValuePair;

  # filterAttrs :: (string -> a -> bool) -> { ... } -> { ... }
  filterAttrs =
    keep: set: removeAttrs set (builtins.filter (name: !(keep name set.${name})) (attrNames set));

  # genAttrs :: [ string ] -> (string -> a) -> { ... }
  genAttrs = names: f: listToAttrs (map (name: lib.nameValuePair name (f name)) names);

  # getAttrs :: [ string ] -> { ... } -> { ... }; throws for a name that isn't there.
  getAttrs = names: set: lib.genAttrs names (name: set.${name});

  # optionalAttrs :: bool -> { ... } -> { ... }
  optionalAttrs = condition: set: if condition then set else { };

  # attrByPath :: [ string ] -> default -> { ... } -> a
  attrByPath =
    path: default: set:
    if path == [ ] then
      set
    else if set ? ${head path} then
      lib.attrByPath (tail path) default set.${head path}
    else
      default;

  # hasAttrByPath :: [ string ] -> { ... } -> bool
  hasAttrByPath =
    path: set: path == [ ] || (set ? ${head path} && lib.hasAttrByPath (tail path) set.${head path});

  # getAttrFromPath :: [ string ] -> { ... } -> a; throws when it isn't there.
  getAttrFromPath =
    path: lib.attrByPath path (throw "no attribute `${builtins.concatStringsSep "." path}'");

  # setAttrByPath :: [ string ] -> a -> { ... }
  setAttrByPath =
    path: value: if path == [ ] then value else { ${head path} = lib.setAttrByPath (tail path) value; };

  # recursiveUpdate :: { ... } -> { ... } -> { ... }; the second wins, sets on both sides are united.
  recursiveUpdate =
    left: right:
    left
    // right
    // mapAttrs (
      name: value:
      if isAttrs value && isAttrs right.${name} then
        lib.recursiveUpdate value right.${name}
      else
        right.${name}
    ) (intersectAttrs right left);

  # mapAttrsRecursive :: ([ string ] -> a -> b) -> { ... } -> { ... }
  mapAttrsRecursive = lib.mapAttrsRecursiveCond (_: true);

  # mapAttrsRecursiveCond :: ({ ... } -> bool) -> ([ string ] -> a -> b) -> { ... } -> { ... }
  # Goes into a set only where the condition holds for it.
  mapAttrsRecursiveCond =
    enter: f:
    let
      go =
        path:
        mapAttrs (
          name: value:
          if isAttrs value && enter value then go (path ++ [ name ]) value else f (path ++ [ name ]) value
        );
    in
    go [ ];

  # isDerivation :: a -> bool
  isDerivation = x: (x.type or null) == "derivation";

  # mergeAttrs :: { ... } -> { ... } -> { ... }
  mergeAttrs = a: b: a // b;

  # collect :: ({ ... } -> bool) -> nested sets -> [ a ]; the values that satisfy it, outermost first.
  collect =
    matches: set:
    if matches set then
      [ set ]
    else if isAttrs set then
      builtins.concatMap (lib.collect matches) (builtins.attrValues set)
    else
      [ ];
}
