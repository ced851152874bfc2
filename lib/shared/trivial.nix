# Functions on any value, under the names of nixpkgs.lib.
lib: {
  inherit (builtins)
    addErrorContext
    compareVersions
    deepSeq
    isAttrs
    isBool
    isFloat
    isInt
    isList
    isPath
    isString
    seq
    splitVersion
    toJSON
    typeOf
    ;

  # id :: a -> a
  id = x: x;

  # const :: a -> b -> a
  const = x: _: x;

  # flip :: (a -> b -> c) -> b -> a -> c
  flip =
    f: a: b:
    f b a;

  # pipe :: a -> [ function ] -> result of the last function
  pipe = builtins.foldl' (x: f: f x);

  # isFunction :: a -> bool; a set with `__functor` counts, as it can be called.
  isFunction = f: builtins.isFunction f || (f ? __functor && lib.isFunction (f.__functor f));

  # functionArgs :: function -> { NAME = whether it has a default; }; a set with `__functor` counts too.
  functionArgs =
    f:
    if f ? __functor then
      f.__functionArgs or (lib.functionArgs (f.__functor f))
    else
      builtins.functionArgs f;

  # isType :: string -> a -> bool; whether a value bears that `_type` mark.
  isType = type: x: (x._type or "") == type;

  # boolToString :: bool -> "true" | "false"
  boolToString = b: if b then "true" else "false";

  # throwIf :: bool -> string -> a -> a; throws the message when the condition holds.
  throwIf = condition: message: if condition then throw message else x: x;

  # throwIfNot :: bool -> string -> a -> a
  throwIfNot = condition: message: if condition then x: x else throw message;

  # assertMsg :: bool -> string -> bool; for `assert`, with a message instead of a piece of source.
  assertMsg = condition: message: condition || throw message;

  # warn :: string -> a -> a
  warn = builtins.warn or (message: builtins.trace "evaluation warning: ${message}");

  # warnIf :: bool -> string -> a -> a
  warnIf = condition: message: if condition then lib.warn message else x: x;

  # importJSON :: path -> value; importTOML likewise.
  importJSON = path: builtins.fromJSON (builtins.readFile path);
  importTOML = path: builtins.fromTOML (builtins.readFile path);

  # min, max :: number -> number -> number
  min = a: b: if a < b then a else b;
  max = a: b: if a > b then a else b;

  # versionOlder :: version -> version -> bool; whether the second is older than the first.
  versionOlder = a: b: builtins.compareVersions b a == 1;

  # versionAtLeast :: version -> version -> bool; whether the first is the second or later.
  versionAtLeast = a: b: builtins.compareVersions a b != -1;
}
