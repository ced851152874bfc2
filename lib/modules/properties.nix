# Marks on definitions: conditions, priorities and places in a list. Names and numbers are those of nixpkgs.lib.
lib:
let
  override = priority: content: {
    _type = "override";
    inherit priority content;
  };
  order = priority: content: {
    _type = "order";
    inherit priority content;
  };
in
{
  # mkIf :: bool -> a -> definition; counts only when the condition holds.
  mkIf = condition: content: {
    _type = "if";
    inherit condition content;
  };

  # mkMerge :: [ a ] -> definition; several definitions in one place.
  mkMerge = contents: {
    _type = "merge";
    inherit contents;
  };

  # mkOverride :: int -> a -> definition; the lowest number wins, a plain definition has 100.
  mkOverride = override;
  mkOptionDefault = override 1500;
  mkDefault = override 1000;
  mkForce = override 50;

  # mkOrder :: int -> a -> definition; lower numbers come first in a list, a plain definition has 1000.
  mkOrder = order;
  mkBefore = order 500;
  mkAfter = order 1500;

  # setDefaultModuleLocation :: file -> module -> module; names the file in messages about the module.
  setDefaultModuleLocation = file: module: {
    _file = file;
    imports = [ module ];
  };
}
