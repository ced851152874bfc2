# The messages about options: their declarations, and definitions that don't fit them.
lib:
let
  inherit (builtins) attrNames concatStringsSep;
  errors = import ./errors.nix lib;
  definitions = import ./definition-errors.nix lib;
  name = loc: if loc == [ ] then "options" else "`${lib.showOption loc}'";
  listed = concatStringsSep ", ";
in
{
  # Stands in the trace above "infinite recursion encountered", which can't be caught.
  recursion =
    "if this is an infinite recursion: `imports' must not depend on `config'; "
    + "import always, and put `mkIf' around the definitions";

  declaredTwice =
    loc: files:
    errors.report {
      subject = name loc;
      problem = "declared more than once";
      lines = map (file: "in ${file}") files;
      advice = "declare it in one module; the others define it.";
    };

  readOnly =
    loc: option: defs:
    let
      default = lib.optional (option ? default) {
        file = "${lib.head option.declarations} (its default)";
        value = option.default;
      };
    in
    definitions.readOnly loc (default ++ defs);

  undefined =
    loc: option:
    errors.report {
      subject = name loc;
      problem = "used, but not defined";
      lines = [
        "expected: ${option.type.description}"
        "declared in ${concatStringsSep " and " option.declarations}"
      ];
      advice = "define it${
        lib.optionalString (option ? example)
          ", for example `${lib.showOption loc} = ${
            option.example.text or (errors.showValue option.example)
          };'"
      }.";
    };

  notAnOption =
    loc: decl:
    errors.report {
      subject = name loc;
      problem = "declared as ${
        if decl.options._type == "option-type" then
          "a bare type"
        else
          "a value of type `${decl.options._type}'"
      }, not as an option";
      lines = [ "in ${decl.file}" ];
      advice = "write `lib.mkOption { type = ...; }' there.";
    };

  notAGroup =
    loc: decl:
    errors.report {
      subject = name loc;
      problem = "declared as ${errors.kindOf decl.options}, not as an option or a set of options";
      lines = [ "in ${decl.file}" ];
      advice = "write `lib.mkOption { type = ...; }' there, and put values under `config'.";
    };

  groupDefined =
    loc: names: def:
    errors.report {
      subject = if loc == [ ] then "config" else name loc;
      problem = "a set of options, but defined as one value";
      lines = [ "${definitions.where def} (${errors.kindOf def.value})" ];
      advice = "define an attribute set with some of: ${listed (lib.remove "_module" names)}.";
    };

  optionWithChildren =
    loc: option: children:
    errors.report {
      subject = name loc;
      problem = "declared both as an option and as a set of options";
      lines = [
        "in ${option.file}: an option (${option.options.type.description or "any value"})"
      ]
      ++ map (child: "in ${child.file}: a set with ${listed (attrNames child.options)}") children;
      advice = "rename one of them; only an option of type submodule can have options inside.";
    };

  # unknown :: prefix -> options -> [ { path; file; value; } ] -> string; one paragraph for each option.
  unknown =
    prefix: options: defs:
    let
      suggest = import ./suggest.nix lib;
      byOption = builtins.groupBy (def: lib.showOption (prefix ++ def.path)) defs;
      paragraph =
        option: same:
        errors.report {
          subject = "`${option}'";
          problem = "there is no such option";
          lines = map definitions.where same;
          advice = suggest prefix options (lib.head same).path;
        };
    in
    concatStringsSep "\n" (lib.mapAttrsToList paragraph byOption);
}
