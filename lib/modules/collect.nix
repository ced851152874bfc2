# From what users write as modules to a flat list: { file; key; options; config; ... }, in the order of nixpkgs.
lib:
let
  inherit (builtins)
    concatMap
    elem
    filter
    isAttrs
    isPath
    isString
    mapAttrs
    ;
  messages = import ./module-errors.nix lib;

  # Modules that import themselves under ever new names are told from deep ones by this depth.
  maximalDepth = 100;

  # call :: arguments -> file -> module -> module; arguments that nobody passed are looked up in `_module.args`,
  # lazily, because that option is itself made from the modules.
  call =
    arguments: file: module:
    let
      look = name: _: arguments.${name} or (fromOption name);
      fromOption =
        name:
        builtins.addErrorContext "while looking for the module argument `${name}' of ${file}" (
          arguments.config._module.args.${name} or (throw (messages.missingArgument file name))
        );
    in
    if lib.isFunction module then
      module (arguments // mapAttrs look (lib.functionArgs module))
    else
      module;

  known = [
    "_class"
    "_file"
    "config"
    "disabledModules"
    "freeformType"
    "imports"
    "key"
    "options"
  ];

  # normalise :: file -> key -> module -> structured module; the short form is all `config`.
  normalise =
    file: key: module:
    let
      long = module ? config || module ? options;
      config = if long then module.config or { } else removeAttrs module known;
      unknown = builtins.attrNames (removeAttrs module known);
    in
    if !isAttrs module then
      throw (messages.notAModule file module)
    else if long && unknown != [ ] then
      throw (messages.mixedForms (toString (module._file or file)) unknown)
    else
      {
        file = toString (module._file or file);
        key = toString (module.key or key);
        class = module._class or null;
        imports = module.imports or [ ];
        disabledModules = module.disabledModules or [ ];
        options = module.options or { };
        config =
          if module ? freeformType then
            lib.mkMerge [
              config
              { _module.freeformType = module.freeformType; }
            ]
          else
            config;
      };

  # load :: arguments -> file -> key -> module | path -> structured module
  load =
    arguments: file: key: module:
    let
      type = module._type or "module";
    in
    if lib.isFunction module then
      normalise file key (call arguments file module)
    else if isAttrs module then
      if type == "module" then
        normalise file key module
      else if type == "if" || type == "override" then
        normalise file key { config = module; }
      else
        throw (messages.notAModule file module)
    else if isPath module || isString module then
      normalise (toString module) (toString module) (call arguments (toString module) (import module))
    else
      throw (messages.notAModule file module);

  # disabledKey :: modulesPath -> structured module -> entry of disabledModules -> key
  disabledKey =
    modulesPath: module: entry:
    if isString entry then
      if lib.hasPrefix "/" entry then entry else "${toString modulesPath}/${entry}"
    else if isPath entry then
      toString entry
    else
      entry.key or (throw (messages.cannotDisable module.file entry));
in
# collect :: { arguments; class; modulesPath; modules; } -> [ structured module ]
{
  arguments,
  class,
  modulesPath,
  modules,
}:
let
  checkClass =
    module:
    if class == null || module.class == null || module.class == class then
      module
    else
      throw (messages.wrongClass class module);

  # tree :: [ path ] -> int -> file -> key -> [ module ] -> [ { key; module; children; } ]
  tree =
    parents: depth: file: key:
    lib.imap1 (
      n: entry:
      let
        isFile = isPath entry || isString entry;
        module = checkClass (load arguments file "${key}:anon-${toString n}" entry);
        chain = parents ++ lib.optional isFile (toString entry);
      in
      if isFile && elem (toString entry) parents then
        throw (messages.importCircle chain)
      else if depth > maximalDepth then
        throw (messages.importDepth maximalDepth file)
      else
        {
          inherit (module) key;
          inherit module;
          children = tree chain (depth + 1) module.file module.key module.imports;
        }
    );

  nodes = tree [ ] 1 "<unknown-file>" "" modules;

  disabled =
    let
      inside =
        node:
        map (disabledKey modulesPath node.module) node.module.disabledModules
        ++ concatMap inside node.children;
    in
    concatMap inside nodes;
  enabled = filter (node: !(elem node.key disabled));
in
map (node: node.module) (
  builtins.genericClosure {
    startSet = enabled nodes;
    operator = node: enabled node.children;
  }
)
