# The messages about definitions of an option.
lib:
let
  errors = import ./errors.nix lib;
  name = loc: "`${lib.showOption loc}'";

  where = def: "in ${def.file}: ${errors.showValue def.value}";
  whereAndKind = def: "${where def} (${errors.kindOf def.value})";
in
{
  inherit where;

  # wrongType, undefined, ... :: what the text names -> string
  wrongType =
    loc: type: defs:
    errors.report {
      subject = name loc;
      problem = "wrong type";
      lines = [ "expected: ${type.description}" ] ++ map whereAndKind defs;
      advice = "give it a value of the expected type there.";
    };

  undefined =
    loc: type:
    errors.report {
      subject = name loc;
      problem = "used, but not defined";
      lines = [ "expected: ${type.description}" ];
      advice = "define `${lib.showOption loc}'.";
    };

  conflict =
    loc: defs:
    errors.report {
      subject = name loc;
      problem = "conflicting definitions";
      lines = map where defs;
      advice = "keep one of them, or put `lib.mkForce' before the value that shall win.";
    };

  severalOfOne =
    loc: message: defs:
    errors.report {
      subject = name loc;
      problem = "defined ${toString (builtins.length defs)} times, but takes one definition only";
      lines = lib.optional (message != "") message ++ map where defs;
      advice = "keep one of them, or put `lib.mkForce' before the value that shall win.";
    };

  nullAndValue =
    loc: defs:
    errors.report {
      subject = name loc;
      problem = "defined both null and not null";
      lines = map where defs;
      advice = "keep one of the two, or put `lib.mkForce' before the value that shall win.";
    };

  readOnly =
    loc: defs:
    errors.report {
      subject = name loc;
      problem = "read-only, but defined ${toString (builtins.length defs)} times";
      lines = map where defs;
      advice = "take out all of these definitions but one (a default counts as one).";
    };

  condition =
    loc: def:
    errors.report {
      subject = name loc;
      problem = "mkIf with a condition that isn't a Boolean";
      lines = [ "in ${def.file}: mkIf ${errors.showValue def.value.condition}" ];
      advice = "give mkIf a comparison, such as `mkIf (x != null)'.";
    };

  barePath =
    loc: def:
    errors.report {
      subject = name loc;
      problem = "a store path that nothing depends on, where a package must stand";
      lines = [ (where def) ];
      advice = "give the package itself, or a text made from it, such as \"\${package}\".";
    };

  orderedSet =
    loc: def:
    errors.report {
      subject = name loc;
      problem = "mkOrder, mkBefore or mkAfter around a set of options";
      lines = [ (where def) ];
      advice = "put it around the lists inside.";
    };

  priority =
    loc: def:
    errors.report {
      subject = name loc;
      problem = "mkOverride with a bad priority";
      lines = [ "in ${def.file}: mkOverride ${errors.showValue def.value.priority}" ];
      advice = "use an integer up to 9999 (lower wins), or mkForce (50) or mkDefault (1000).";
    };
}
