# Functions on strings, under the names of nixpkgs.lib.
lib:
let
  inherit (builtins)
    concatStringsSep
    genList
    isString
    replaceStrings
    stringLength
    substring
    ;

  lower = "abcdefghijklmnopqrstuvwxyz";
  upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  characters = text: genList (n: substring n 1 text) (stringLength text);
in
{
  inherit (builtins)
    baseNameOf
    concatStringsSep
    match
    readFile
    replaceStrings
    stringLength
    substring
    ;

  # optionalString :: bool -> string -> string
  optionalString = condition: text: if condition then text else "";

  # concatStrings :: [ string ] -> string
  concatStrings = concatStringsSep "";

  # concatMapStrings :: (a -> string) -> [ a ] -> string
  concatMapStrings = f: list: concatStringsSep "" (map f list);

  # concatMapStringsSep :: string -> (a -> string) -> [ a ] -> string
  concatMapStringsSep =
    separator: f: list:
    concatStringsSep separator (map f list);

  # concatLines :: [ string ] -> string; each ends with a newline.
  concatLines = lib.concatMapStrings (line: line + "\n");

  # hasPrefix, hasSuffix, hasInfix :: string -> string -> bool; whether the second has the first.
  hasPrefix = prefix: text: substring 0 (stringLength prefix) text == prefix;
  hasSuffix =
    suffix: text:
    let
      rest = stringLength text - stringLength suffix;
    in
    rest >= 0 && substring rest (-1) text == suffix;
  hasInfix = infix: text: replaceStrings [ infix ] [ "" ] text != text || infix == "";

  # removePrefix, removeSuffix :: string -> string -> string; the second, without the first if it has it.
  removePrefix =
    prefix: text: if lib.hasPrefix prefix text then substring (stringLength prefix) (-1) text else text;
  removeSuffix =
    suffix: text:
    if lib.hasSuffix suffix text then
      substring 0 (stringLength text - stringLength suffix) text
    else
      text;

  # splitString :: string -> string -> [ string ]; splits the second at each occurrence of the first.
  splitString =
    separator: text: builtins.filter isString (builtins.split (lib.escapeRegex separator) text);

  # toUpper, toLower :: string -> string; ASCII letters only.
  toUpper = replaceStrings (characters lower) (characters upper);
  toLower = replaceStrings (characters upper) (characters lower);

  # escapeRegex :: string -> string; a pattern that matches the string itself.
  escapeRegex =
    let
      special = characters "\\[{()^$?*+|.";
    in
    replaceStrings special (map (character: "\\${character}") special);

  # escapeShellArg :: string -> string; one word of a POSIX shell, quoted only where it must be.
  escapeShellArg =
    argument:
    let
      text = toString argument;
    in
    if builtins.match "[[:alnum:],._+:@%/-]+" text != null then
      text
    else
      "'${replaceStrings [ "'" ] [ "'\\''" ] text}'";

  # escapeShellArgs :: [ string ] -> string
  escapeShellArgs = lib.concatMapStringsSep " " lib.escapeShellArg;

  # fileContents :: path -> string; without a newline at the end.
  fileContents = path: lib.removeSuffix "\n" (builtins.readFile path);

  strings = {
    # escapeNixString :: string -> string; the text as a literal of the Nix language.
    escapeNixString = text: replaceStrings [ "$" ] [ "\\$" ] (builtins.toJSON text);

    # escapeNixIdentifier :: string -> string; quoted unless it can stand bare as an attribute name.
    escapeNixIdentifier =
      name:
      let
        keyword = "assert|else|if|in|inherit|let|or|rec|then|with";
        bare =
          builtins.match "[_[:alpha:]][_[:alnum:]'-]*" name != null && builtins.match keyword name == null;
      in
      if bare then name else lib.strings.escapeNixString name;
  };
}
