# Documentation of options as data, from which a page can be rendered.
lib:
let
  inherit (builtins)
    attrNames
    concatMap
    concatStringsSep
    filter
    isAttrs
    isBool
    isFunction
    isList
    isPath
    isString
    stringLength
    ;

  indent = builtins.replaceStrings [ "\n" ] [ "\n  " ];
  # around :: string -> [ string ] -> string -> string; on one line where it is short enough.
  around =
    open: items: close:
    let
      short = concatStringsSep " " ([ open ] ++ items ++ [ close ]);
      long = concatStringsSep "\n" ([ open ] ++ map (item: "  ${indent item}") items ++ [ close ]);
    in
    if stringLength short <= 80 && !lib.hasInfix "\n" short then short else long;

  # code :: a -> string; a value in Nix syntax, in full, without any path of this machine.
  code =
    value:
    if isString value then
      if lib.hasInfix "\n" value then
        "''\n  ${indent (lib.removeSuffix "\n" value)}\n''"
      else
        lib.strings.escapeNixString value
    else if isPath value then
      "./${baseNameOf value}"
    else if isFunction value then
      "<function>"
    else if lib.isDerivation value then
      "<derivation ${value.name or "without a name"}>"
    else if isList value then
      around "[" (map code value) "]"
    else if isAttrs value then
      around "{" (map (name: "${lib.showOption [ name ]} = ${code value.${name}};") (attrNames value)) "}"
    else
      builtins.toJSON value;

  unshowable =
    option: what:
    (import ./errors.nix lib).report {
      subject = "`${option}'";
      problem = "its ${what} can't be shown, because evaluating it fails";
      advice = "give the option ${
        if what == "example" then "an example that is a `lib.literalExpression'" else "a `defaultText'"
      }.";
    };

  # markdown :: string -> string -> a | literalExpression | literalMD -> string
  markdown =
    option: what: value:
    let
      type = value._type or "";
      text = lib.removeSuffix "\n" (
        if type == "literalExpression" || type == "literalMD" then value.text else code value
      );
      tried = builtins.tryEval text;
    in
    if !tried.success then
      throw (unshowable option what)
    else if type == "literalMD" then
      text
    else if lib.hasInfix "\n" text then
      "```nix\n${text}\n```"
    else
      "`${text}`";

  top = "${toString ../../.}/";
  # relative :: file -> string; the path of a file of this repository, else folder and name: no path of this machine.
  relative =
    file:
    let
      parts = filter isString (builtins.split "/" file);
      count = builtins.length parts;
    in
    if lib.hasPrefix top file then
      lib.removePrefix top file
    else if lib.hasPrefix "/" file then
      concatStringsSep "/" (lib.drop (count - 2) parts)
    else
      file;

  entry =
    option:
    let
      name = lib.showOption option.loc;
      type = option.type or { };
      visible = option.visible or true;
    in
    {
      inherit name;
      inherit (option) loc;
      type = type.description or "unspecified value";
      description = lib.removeSuffix "\n" (option.description or "");
      default =
        if option ? defaultText then
          markdown name "defaultText" option.defaultText
        else if option ? default then
          markdown name "default" option.default
        else if type.emptyValue or { } ? value && type.getSubModules == null then
          markdown name "default" type.emptyValue.value
        else
          null;
      example = if option ? example then markdown name "example" option.example else null;
      declarations = lib.unique (map relative option.declarations);
      readOnly = option.readOnly or false;
      visible = !(option.internal or false) && (if isBool visible then visible else visible == "shallow");
    };

  # collect :: options -> [ entry ]; the options inside submodules too.
  collect =
    options:
    concatMap (
      name:
      let
        option = options.${name};
        visible = option.visible or true;
        inside = option.type.getSubOptions option.loc;
      in
      if !lib.isOption option then
        collect option
      else
        [ (entry option) ] ++ lib.optionals (visible == true || visible == "transparent") (collect inside)
    ) (lib.remove "_module" (attrNames options));
in
# optionsToDoc :: options -> [ { name; type; description; default; example; declarations; readOnly; visible; } ]
# Sorted by name. `default` and `example` are Markdown or null, `declarations` "folder/file".
options:
map (each: removeAttrs each [ "loc" ]) (builtins.sort (a: b: a.loc < b.loc) (collect options))
