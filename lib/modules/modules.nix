# Evaluates modules: the subset of nixpkgs' `evalModules` in which Cloche's own modules are written.
# Whatever this accepts, nixpkgs' evaluates to the same value.
lib:
let
  collect = import ./collect.nix lib;
  mergeTree = import ./option-tree.nix lib;
  messages = import ./tree-errors.nix lib;
  inherit (lib) mkOption types;

  # The options by which modules talk to the evaluator itself.
  internal = prefix: specialArgs: args: {
    _file = "lib/modules/modules.nix";
    key = "lib/modules/modules.nix";
    options._module = {
      args = mkOption {
        type = types.lazyAttrsOf types.raw;
        internal = prefix != [ ];
        description = "Arguments that each module can ask for, besides `config`, `lib` and `options`.";
      };
      check = mkOption {
        type = types.bool;
        default = true;
        internal = true;
        description = "Whether a definition without an option is an error.";
      };
      freeformType = mkOption {
        type = types.nullOr types.optionType;
        default = null;
        internal = true;
        description = "The type by which definitions without an option are merged; null refuses them.";
      };
      specialArgs = mkOption {
        readOnly = true;
        internal = true;
        description = "Arguments given from outside, usable in `imports`.";
      };
    };
    config._module = {
      inherit args specialArgs;
    };
  };
in
{
  # evalModules :: { modules; ... } -> { config; options; _module; extendModules; type; class; }
  evalModules =
    arguments@{
      # Paths, functions and attribute sets.
      modules,
      # Arguments for modules that `imports` may use too, which `_module.args` can't.
      specialArgs ? { },
      # Where in a larger configuration this one stands, for messages.
      prefix ? [ ],
      # Refuses modules that were marked as being of another `_class`.
      class ? null,
    }:
    let
      structured = collect {
        inherit class;
        modulesPath = specialArgs.modulesPath or "";
        modules = modules ++ [
          (internal prefix specialArgs {
            inherit extendModules;
            moduleType = type;
          })
        ];
        arguments = {
          inherit lib options specialArgs;
          config = builtins.addErrorContext messages.recursion config;
        }
        // specialArgs;
      };
      tree = mergeTree prefix (lib.reverseList structured);
      inherit (tree) options unmatched;

      inherit (tree.config._module) freeformType check;
      free = map (def: {
        inherit (def) file;
        value = lib.setAttrByPath def.path def.value;
      }) unmatched;
      config =
        if freeformType == null || free == [ ] then
          tree.config
        else
          lib.recursiveUpdate (freeformType.merge prefix free) tree.config;

      checked =
        if unmatched != [ ] && check && freeformType == null then
          throw (messages.unknown prefix options unmatched)
        else
          lib.id;

      extendModules =
        more:
        lib.evalModules (
          arguments
          // {
            modules = modules ++ more.modules or [ ];
            specialArgs = specialArgs // more.specialArgs or { };
            prefix = more.prefix or prefix;
          }
        );
      type = types.submoduleWith { inherit class modules specialArgs; };
    in
    {
      _type = "configuration";
      options = checked options;
      config = checked (removeAttrs config [ "_module" ]);
      _module = checked config._module;
      inherit class extendModules type;
    };
}
