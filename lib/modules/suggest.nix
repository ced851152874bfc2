# What to write instead of an option that doesn't exist.
lib:
let
  errors = import ./errors.nix lib;
  quote = path: "`${lib.showOption path}'";

  # A typing error changes few letters: more than a third of them makes another word.
  near = a: b: errors.distance a b <= lib.max 2 (builtins.stringLength a / 3);

  # leaves :: [ string ] -> options -> [ path ]; all options below, with the whole path.
  leaves =
    path: options:
    if lib.isOption options then
      [ path ]
    else
      builtins.concatLists (lib.mapAttrsToList (name: leaves (path ++ [ name ])) options);
in
# suggest :: prefix -> options -> path below the prefix -> string
prefix: options: path:
let
  wrong = lib.last path;
  parent = lib.init path;
  siblings = lib.remove "_module" (builtins.attrNames (lib.attrByPath parent { } options));
  ranked = lib.sortOn (errors.distance wrong) (builtins.filter (near wrong) siblings);
  elsewhere = builtins.filter (leaf: lib.last leaf == wrong) (
    leaves [ ] (removeAttrs options [ "_module" ])
  );
in
if ranked != [ ] then
  "did you mean ${quote (prefix ++ parent ++ [ (builtins.head ranked) ])}?"
else if elsewhere != [ ] then
  "did you mean ${quote (prefix ++ builtins.head elsewhere)}?"
else if siblings == [ ] then
  "declare it under `options' in a module, or take it out."
else
  "choose among ${
    lib.concatMapStringsSep ", " (name: quote (prefix ++ parent ++ [ name ])) (lib.take 12 siblings)
  }${lib.optionalString (builtins.length siblings > 12) ", ..."}."
