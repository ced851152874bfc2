# What people read when something is wrong: which option, which file, which value, what to do.
lib:
let
  inherit (builtins)
    attrNames
    concatStringsSep
    elemAt
    genList
    isAttrs
    isFunction
    isList
    isPath
    isString
    length
    stringLength
    substring
    ;

  kinds = {
    bool = "a Boolean";
    float = "a float";
    int = "an integer";
    lambda = "a function";
    list = "a list";
    null = "null";
    path = "a path";
    set = "an attribute set";
    string = "a string";
  };

  properties = {
    "if" = "mkIf";
    merge = "mkMerge";
    order = "mkOrder";
    override = "mkOverride";
  };

  # cut :: int -> string -> string; at most so many characters.
  cut = width: text: if stringLength text <= width then text else substring 0 width text + "...";

  # show :: int -> a -> string; a value in Nix syntax, so many levels deep.
  show =
    depth: value:
    let
      inner =
        inside:
        let
          tried = builtins.tryEval (show (depth - 1) inside);
        in
        if tried.success then tried.value else "<error>";
      some = lib.take 5;
      dots = list: lib.optional (length list > 5) "...";
    in
    if isString value then
      lib.strings.escapeNixString (cut 60 value)
    else if isPath value then
      toString value
    else if isFunction value then
      "<function>"
    else if isList value then
      if value == [ ] then
        "[ ]"
      else if depth == 0 then
        "[ ... ]"
      else
        "[ ${concatStringsSep " " (map inner (some value) ++ dots value)} ]"
    else if isAttrs value then
      showSet depth inner some dots value
    else
      builtins.toJSON value;

  showSet =
    depth: inner: some: dots: set:
    let
      names = attrNames set;
      pair = name: "${lib.strings.escapeNixIdentifier name} = ${inner set.${name}};";
    in
    if lib.isDerivation set then
      "<derivation ${set.name or "without a name"}>"
    else if isString (set._type or null) then
      "<${properties.${set._type} or set._type}>"
    else if names == [ ] then
      "{ }"
    else if depth == 0 then
      "{ ... }"
    else
      "{ ${concatStringsSep " " (map pair (some names) ++ dots names)} }";
in
{
  # showValue :: a -> string; short, in Nix syntax, with the kind where the syntax doesn't tell it.
  showValue =
    value:
    let
      tried = builtins.tryEval (cut 200 (show 2 value));
    in
    if tried.success then tried.value else "<a value whose evaluation fails>";

  # kindOf :: a -> string
  kindOf =
    value:
    if properties ? ${toString (value._type or "")} then
      "a ${properties.${value._type}} where a value must stand"
    else if lib.isDerivation value then
      "a derivation"
    else
      kinds.${builtins.typeOf value} or "a value";

  # report :: { subject; problem; lines ? [ string ]; advice; } -> string
  # The form of every message: "SUBJECT: PROBLEM", indented facts, and what to do.
  report =
    {
      subject,
      problem,
      lines ? [ ],
      advice,
    }:
    concatStringsSep "\n" (
      [ "${subject}: ${problem}" ] ++ map (line: "  ${line}") lines ++ [ "What to do: ${advice}" ]
    );

  # distance :: string -> string -> int; the edit distance of Levenshtein, row by row.
  distance =
    a: b:
    let
      width = stringLength b;
      letterOfB = genList (n: substring n 1 b) width;
      nextRow =
        row: n:
        let
          letter = substring n 1 a;
          step =
            done: m:
            done
            ++ [
              (lib.min (lib.min (elemAt row (m + 1) + 1) (elemAt done m + 1)) (
                elemAt row m + (if letter == elemAt letterOfB m then 0 else 1)
              ))
            ];
        in
        builtins.foldl' step [ (n + 1) ] (genList lib.id width);
    in
    lib.last (builtins.foldl' nextRow (genList lib.id (width + 1)) (genList lib.id (stringLength a)));
}
