# Declarations and definitions of all modules, walked together: one node per name.
lib:
let
  inherit (builtins)
    all
    concatLists
    concatMap
    filter
    head
    isAttrs
    length
    mapAttrs
    zipAttrsWith
    ;
  inherit (import ./definitions.nix lib) pushDown;
  inherit (import ./option.nix lib) declare evaluate;
  messages = import ./tree-errors.nix lib;
  isOption = lib.isType "option";

  # asSubmodule :: declaration -> declaration; a set of options beside a submodule becomes part of it.
  asSubmodule =
    decl:
    if isOption decl.options then
      decl
    else
      decl
      // {
        options = lib.mkOption {
          type = lib.types.submoduleWith {
            modules = [ { inherit (decl) options; } ];
            shorthandOnlyDefinesConfig = null;
          };
        };
      };

  # node :: loc -> [ declaration ] -> [ definition ] -> { options; config; unmatched; }
  node =
    loc: decls: defs:
    let
      isDeclared = filter (
        decl: decl.options ? _type && (isOption decl.options || throw (messages.notAnOption loc decl))
      ) decls;
      leaf =
        list:
        let
          options = evaluate loc (declare loc list) defs;
        in
        {
          inherit options;
          config = options.value;
          unmatched = [ ];
        };
    in
    if length isDeclared == length decls then
      leaf decls
    else if isDeclared == [ ] then
      merge loc decls (concatMap (def: map (value: def // { inherit value; }) (pushDown def.value)) defs)
    else if all (decl: decl.options.type.name or null == "submodule") isDeclared then
      leaf (map asSubmodule decls)
    else
      throw (
        messages.optionWithChildren loc (head isDeclared) (filter (decl: !isOption decl.options) decls)
      );

  # merge :: loc -> [ { file; options; } ] -> [ definition ] -> { options; config; unmatched; }
  # `unmatched` are the definitions without a declaration, each with its `path` below loc.
  merge =
    loc: decls: defs:
    let
      declared = zipAttrsWith (_: lib.id) (
        map (
          decl:
          if isAttrs decl.options then
            mapAttrs (_: options: decl // { inherit options; }) decl.options
          else
            throw (messages.notAGroup loc decl)
        ) decls
      );
      defined = zipAttrsWith (_: lib.id) (
        map (
          def:
          if isAttrs def.value then
            mapAttrs (_: value: def // { inherit value; }) def.value
          else
            throw (messages.groupDefined loc (builtins.attrNames declared) def)
        ) defs
      );
      nodes = mapAttrs (name: list: node (loc ++ [ name ]) list (defined.${name} or [ ])) declared;
      unmatched =
        mapAttrs (_: each: each.unmatched) nodes // removeAttrs defined (builtins.attrNames nodes);
      under = name: map (def: def // { path = [ name ] ++ def.path or [ ]; });
    in
    {
      options = mapAttrs (_: each: each.options) nodes;
      config = mapAttrs (_: each: each.config) nodes;
      unmatched = if defs == [ ] then [ ] else concatLists (lib.mapAttrsToList under unmatched);
    };
in
# mergeTree :: loc -> [ { file; options; config; } ] -> { options; config; unmatched; }
loc: modules:
merge loc (map (module: { inherit (module) file options; }) modules) (
  concatMap (
    module:
    map (value: {
      inherit (module) file;
      inherit value;
    }) (pushDown module.config)
  ) modules
)
