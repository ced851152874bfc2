# One option: its declarations joined, its definitions merged.
lib:
let
  inherit (builtins)
    concatMap
    head
    length
    ;
  inherit (import ./definitions.nix lib) mergeDefinitions;
  inherit (import ./option-type.nix lib) mergeTypes;
  messages = import ./tree-errors.nix lib;
in
{
  # declare :: loc -> [ { file; options; } ] -> option; joins several declarations of one option.
  declare =
    loc: decls:
    let
      join =
        done: decl:
        let
          new = decl.options;
          twice = name: done ? ${name} && new ? ${name};
          type = mergeTypes done.type new.type;
        in
        if
          lib.any twice [
            "apply"
            "default"
            "description"
            "example"
          ]
          || (twice "type" && type == null)
        then
          throw (messages.declaredTwice loc (done.declarations ++ [ decl.file ]))
        else
          new
          // done
          // {
            declarations = done.declarations ++ [ decl.file ];
          }
          // lib.optionalAttrs (twice "type") { inherit type; };

      none = {
        inherit loc;
        declarations = [ ];
      };
      joined =
        if length decls == 1 then
          (head decls).options // none // { declarations = [ (head decls).file ]; }
        else
          builtins.foldl' join none decls;
      type = joined.type or lib.types.unspecified;

      # Each module inside remembers the file of its own declaration, the latest declaration comes first.
      inside = concatMap (
        decl: map (lib.setDefaultModuleLocation decl.file) (decl.options.type.getSubModules or [ ])
      ) (lib.reverseList decls);
    in
    joined
    // {
      type = if type.getSubModules == null then type else type.substSubModules inside;
    };

  # evaluate :: loc -> option -> [ definition ] -> option with its value
  evaluate =
    loc: option: defs:
    let
      withDefault =
        lib.optional (option ? default) {
          file = head option.declarations;
          value = lib.mkOptionDefault option.default;
        }
        ++ defs;
      merged = mergeDefinitions loc option.type withDefault;
      value =
        if option.readOnly or false && length withDefault > 1 then
          throw (messages.readOnly loc option defs)
        else if !merged.isDefined && !(option.type.emptyValue ? value) then
          throw (messages.undefined loc option)
        else
          merged.value;
    in
    option
    // {
      value = builtins.addErrorContext "while evaluating the option `${lib.showOption loc}':" (
        if option ? apply then option.apply value else value
      );
      inherit (merged) isDefined;
      highestPrio = merged.priority;
      definitions = map (def: def.value) merged.definitions;
      files = map (def: def.file) merged.definitions;
      definitionsWithLocations = merged.definitions;
      __toString = _: lib.showOption loc;
    };
}
