# Types of values without an inside. Descriptions are those of nixpkgs, so that generated documents agree.
lib:
let
  inherit (builtins)
    isBool
    isFloat
    isInt
    isString
    match
    ;
  inherit (import ./option-type.nix lib)
    mergeAny
    mergeEqual
    mergeOne
    first
    ;

  messages = import ./definition-errors.nix lib;

  # noun :: name -> description -> attributes -> type
  noun =
    name: description: attributes:
    lib.mkOptionType (
      {
        inherit name description;
        descriptionClass = "noun";
        merge = mergeEqual;
      }
      // attributes
    );

  addCheck = type: check: type // { check = x: type.check x && check x; };

  # restrict :: type -> name -> description -> check -> type
  restrict =
    type: name: description: check:
    addCheck type check
    // {
      inherit name description;
      descriptionClass = "nonRestrictiveClause";
    };

  int = noun "int" "signed integer" { check = isInt; };
  float = noun "float" "floating point number" { check = isFloat; };
  number = lib.types.either int float;
  str = noun "str" "string" { check = isString; };

  between =
    type: name: what: lowest: highest:
    lib.throwIf (lowest > highest)
      "types: between ${builtins.toJSON lowest} and ${builtins.toJSON highest}: the lower bound must come first"
      (
        addCheck type (x: x >= lowest && x <= highest)
        // {
          inherit name;
          description = "${what} between ${builtins.toJSON lowest} and ${builtins.toJSON highest} (both inclusive)";
        }
      );

  strMatching =
    pattern:
    noun "strMatching ${lib.strings.escapeNixString pattern}" "string matching the pattern ${pattern}" {
      check = x: isString x && match pattern x != null;
      family = "strMatching";
      payload = pattern;
      combine = a: b: if a == b then a else null;
      rebuild = strMatching;
    };

  separatedString =
    separator:
    noun "separatedString" "strings concatenated with ${builtins.toJSON separator}" {
      check = isString;
      merge = _: defs: lib.concatMapStringsSep separator (def: def.value) defs;
      payload = separator;
      combine = a: b: if a == b then a else null;
      rebuild = separatedString;
    };

  inStore =
    x: builtins.substring 0 (builtins.stringLength builtins.storeDir + 1) x == "${builtins.storeDir}/";
  isTopLevel = x: inStore x && dirOf x == builtins.storeDir;
  isStringLike = x: isString x || builtins.isPath x || x ? outPath || x ? __toString;
in
{
  inherit
    addCheck
    float
    int
    number
    separatedString
    str
    strMatching
    ;

  bool = noun "bool" "boolean" { check = isBool; };
  raw = noun "raw" "raw value" { merge = mergeOne "" first; };
  unspecified = noun "unspecified" "unspecified value" { merge = mergeAny; };

  ints = {
    between = between int "intBetween" "integer";
    positive = restrict int "positiveInt" "positive integer, meaning >0" (x: x > 0);
    unsigned = restrict int "unsignedInt" "unsigned integer, meaning >=0" (x: x >= 0);
  };
  port = between int "unsignedInt16" "16 bit unsigned integer;" 0 65535;

  numbers = {
    between = between number "numberBetween" "integer or floating point number";
    positive =
      restrict number "numberPositive" "positive integer or floating point number, meaning >0"
        (x: x > 0);
    nonnegative =
      restrict number "numberNonnegative" "nonnegative integer or floating point number, meaning >=0"
        (x: x >= 0);
  };

  nonEmptyStr = noun "nonEmptyStr" "non-empty string" {
    check = x: isString x && match "[ \t\n]*" x == null;
  };
  singleLineStr = noun "singleLineStr" "(optionally newline-terminated) single-line string" {
    check = x: isString x && match "[^\n\r]*\n?" x != null;
    merge = loc: defs: lib.removeSuffix "\n" (mergeEqual loc defs);
  };
  lines = separatedString "\n";
  commas = separatedString ",";

  # A path literal, or a string that begins with a slash; stays what it is.
  path = noun "path" "absolute path" {
    check = x: isStringLike x && builtins.substring 0 1 (toString x) == "/";
  };

  # A derivation, or a store object by its path. Of a bare text nixpkgs makes a derivation, which a library without
  # derivations can't do, so that is refused.
  package = noun "package" "package" {
    check = x: lib.isDerivation x || (isStringLike x && isTopLevel (toString x));
    merge = mergeOne "" (
      loc: defs:
      let
        value = first loc defs;
      in
      if builtins.isPath value || (isString value && !builtins.hasContext value) then
        throw (messages.barePath loc (builtins.head defs))
      else
        value
    );
  };
}
