# The messages about modules as such.
lib:
let
  errors = import ./errors.nix lib;
in
{
  missingArgument =
    file: name:
    errors.report {
      subject = file;
      problem = "the module asks for an argument that nobody provides: `${name}'";
      advice = "set `_module.args.${name}' in a module, pass it in `specialArgs', or take it out of the argument list.";
    };

  notAModule =
    file: value:
    errors.report {
      subject = file;
      problem = "not a module: ${errors.showValue value} (${errors.kindOf value})";
      advice = "in its place write a path, a function `{ config, lib, ... }: { ... }' or an attribute set.";
    };

  mixedForms =
    file: names:
    errors.report {
      subject = file;
      problem = "definitions beside `config' or `options': ${builtins.concatStringsSep ", " names}";
      advice = "move them into `config = { ... };'.";
    };

  wrongClass =
    class: module:
    errors.report {
      subject = module.file;
      problem = "a module of class `${module.class}' where class `${class}' is expected";
      advice = "import the module that is meant for `${class}'.";
    };

  cannotDisable =
    file: entry:
    errors.report {
      subject = file;
      problem = "`disabledModules' has an entry that names no module: ${errors.showValue entry}";
      advice = "name the module by its path, or by a set with its `key'.";
    };

  importCircle =
    files:
    errors.report {
      subject = lib.last files;
      problem = "imports go round in a circle";
      lines = lib.imap0 (n: file: "${builtins.elemAt files n} imports ${file}") (builtins.tail files);
      advice = "take one of these imports out; what both files need goes into a third one.";
    };

  importDepth =
    depth: file:
    errors.report {
      subject = file;
      problem = "imports are nested more than ${toString depth} deep";
      advice = "look for a module that imports itself.";
    };
}
