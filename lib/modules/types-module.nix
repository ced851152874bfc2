# Types whose values are modules, or are configured by them.
lib:
let
  inherit (builtins) isAttrs;
  inherit (import ./option-type.nix lib) mergeTypes phrase;
  messages = import ./definition-errors.nix lib;
  isModule = x: isAttrs x || lib.isFunction x || lib.types.path.check x;

  # For the documentation no value is at hand, so nothing is checked.
  unchecked.config._module.check = lib.mkForce false;

  # same :: attribute -> a -> a -> a; of two declarations, the one that says something.
  same =
    what: a: b:
    if a == null || a == b then
      b
    else if b == null then
      a
    else
      throw "types.submoduleWith: declared twice with different `${what}'; give both declarations the same.";

  submoduleWith =
    arguments@{
      # The modules that declare what is inside.
      modules,
      # Handed to each module besides config, lib, options and name; usable in imports.
      specialArgs ? { },
      # Whether a set is only `config`, so that options inside may be called imports or options.
      shorthandOnlyDefinesConfig ? false,
      description ? null,
      # Which kind of module may be imported.
      class ? null,
    }:
    let
      evaluate =
        prefix: more:
        lib.evalModules {
          inherit class prefix specialArgs;
          modules = [ { _module.args.name = lib.mkOptionDefault "‹name›"; } ] ++ modules ++ more;
        };
      base = evaluate [ ] [ ];
      forDocuments = prefix: evaluate prefix [ unchecked ];
      freeform = (forDocuments [ ])._module.freeformType;

      # A set of options has no place in a list; nixpkgs fails here too, with a less friendly text.
      asModule =
        loc: def:
        lib.throwIf (def ? priority) (messages.orderedSet loc def) {
          _file = def.file;
        }
        // (
          if isAttrs def.value && shorthandOnlyDefinesConfig == true then
            { config = def.value; }
          else
            { imports = [ def.value ]; }
        );
    in
    lib.mkOptionType {
      name = "submodule";
      description =
        if description != null then
          description
        else if freeform ? description then
          "open submodule of ${phrase [ "noun" "composite" ] freeform}"
        else
          "submodule";
      check = isModule;
      merge =
        loc: defs:
        (evaluate loc ([ { _module.args.name = lib.last loc; } ] ++ map (asModule loc) defs)).config;
      emptyValue.value = base.config;
      getSubOptions =
        prefix:
        let
          documented = forDocuments prefix;
          inherit (documented._module) freeformType;
        in
        documented.options
        // lib.optionalAttrs (freeformType != null) {
          _freeformOptions = freeformType.getSubOptions prefix;
        };
      getSubModules = modules;
      substSubModules = others: submoduleWith (arguments // { modules = others; });
      payload = {
        inherit
          class
          description
          modules
          shorthandOnlyDefinesConfig
          specialArgs
          ;
      };
      combine = a: b: {
        class = same "class" a.class b.class;
        description = same "description" a.description b.description;
        modules = a.modules ++ b.modules;
        shorthandOnlyDefinesConfig =
          same "shorthandOnlyDefinesConfig" a.shorthandOnlyDefinesConfig
            b.shorthandOnlyDefinesConfig;
        specialArgs =
          lib.throwIf (builtins.intersectAttrs a.specialArgs b.specialArgs != { })
            "types.submoduleWith: declared twice with the same specialArgs; pass each argument in one declaration."
            (a.specialArgs // b.specialArgs);
      };
      rebuild = submoduleWith;
    };

  deferredModuleWith =
    {
      # Modules that are always part of it.
      staticModules ? [ ],
    }:
    lib.mkOptionType {
      name = "deferredModule";
      description = "module";
      descriptionClass = "noun";
      check = isModule;
      merge = loc: defs: {
        imports =
          staticModules
          ++ map (
            def: lib.setDefaultModuleLocation "${def.file}, via option ${lib.showOption loc}" def.value
          ) defs;
      };
      inherit (submoduleWith { modules = staticModules; }) getSubOptions getSubModules;
      substSubModules = modules: deferredModuleWith { staticModules = modules; };
      payload = staticModules;
      combine = a: b: a ++ b;
      rebuild = modules: deferredModuleWith { staticModules = modules; };
    };
in
{
  inherit deferredModuleWith submoduleWith;
  deferredModule = deferredModuleWith { };
  submodule =
    modules:
    submoduleWith {
      modules = lib.toList modules;
      shorthandOnlyDefinesConfig = true;
    };

  # optionType: a type itself, such as that of `_module.freeformType`.
  optionType = lib.mkOptionType {
    name = "optionType";
    descriptionClass = "noun";
    check = lib.isType "option-type";
    merge =
      loc: defs:
      let
        join =
          a: def:
          let
            joined = mergeTypes a def.value;
          in
          if joined == null then throw (messages.severalOfOne loc "" defs) else joined;
      in
      builtins.foldl' join (builtins.head defs).value (builtins.tail defs);
  };
}
