# Types made of other types.
lib:
let
  inherit (builtins)
    all
    filter
    isAttrs
    isList
    length
    mapAttrs
    zipAttrsWith
    ;
  inherit (import ./option-type.nix lib) mergeOne mergeTypes phrase;
  inherit (import ./definitions.nix lib) mergeDefinitions messages;

  # around :: name -> (type -> type) -> type -> attributes -> type; what all wrappers of one type share.
  around =
    name: rebuild: element: attributes:
    lib.mkOptionType (
      {
        inherit name rebuild;
        inherit (element) getSubOptions getSubModules;
        substSubModules = modules: rebuild (element.substSubModules modules);
        payload = element;
        combine = mergeTypes;
        nestedTypes.elemType = element;
      }
      // attributes
    );

  # within :: definition -> value -> definition; for a part of the value.
  within = def: value: {
    inherit (def) file;
    inherit value;
  };

  composite = phrase [
    "noun"
    "composite"
  ];

  attributes =
    lazy: name: element:
    around name (attributes lazy name) element {
      description = "${lib.optionalString lazy "lazy "}attribute set of ${composite element}";
      descriptionClass = "composite";
      check = isAttrs;
      merge =
        loc: defs:
        let
          located = map (def: mapAttrs (_: within def) def.value) defs;
          merged = zipAttrsWith (attribute: mergeDefinitions (loc ++ [ attribute ]) element) located;
        in
        # Only the lazy one keeps a name whose definitions are all `mkIf false`: asking would be strict.
        mapAttrs (_: each: each.value) (
          if lazy then merged else lib.filterAttrs (_: each: each.isDefined) merged
        );
      emptyValue.value = { };
      getSubOptions = prefix: element.getSubOptions (prefix ++ [ "<name>" ]);
    };

  listOf =
    element:
    around "listOf" listOf element {
      description = "list of ${composite element}";
      descriptionClass = "composite";
      check = isList;
      merge =
        loc: defs:
        let
          # The place of an entry is its name in messages, and the `name' of a submodule.
          place = n: m: loc ++ [ "[definition ${toString n}-entry ${toString m}]" ];
          entries = lib.imap1 (
            n: def: lib.imap1 (m: value: mergeDefinitions (place n m) element [ (within def value) ]) def.value
          ) defs;
        in
        map (entry: entry.value) (filter (entry: entry.isDefined) (builtins.concatLists entries));
      emptyValue.value = [ ];
      getSubOptions = prefix: element.getSubOptions (prefix ++ [ "*" ]);
    };

  nonEmptyListOf =
    element:
    lib.types.addCheck (listOf element) (list: list != [ ])
    // {
      description = "non-empty (list of ${composite element})";
      emptyValue = { };
      substSubModules = modules: nonEmptyListOf (element.substSubModules modules);
    };

  nullOr =
    element:
    around "nullOr" nullOr element {
      description = "null or ${
        phrase [
          "noun"
          "conjunction"
        ] element
      }";
      descriptionClass = "conjunction";
      check = x: x == null || element.check x;
      merge =
        loc: defs:
        let
          nulls = filter (def: def.value == null) defs;
        in
        if nulls == [ ] then
          element.merge loc defs
        else if length nulls == length defs then
          null
        else
          throw (messages.nullAndValue loc defs);
      emptyValue.value = null;
    };

  unique =
    arguments@{ message }:
    element:
    around "unique" (unique arguments) element {
      inherit (element)
        description
        descriptionClass
        check
        emptyValue
        ;
      merge = mergeOne message element.merge;
    };

  functionTo =
    element:
    around "functionTo" functionTo element {
      description = "function that evaluates to a(n) ${composite element}";
      descriptionClass = "composite";
      check = lib.isFunction;
      merge =
        loc: defs:
        let
          call = argument: map (def: within def (def.value argument)) defs;
        in
        {
          __functionArgs = zipAttrsWith (_: all lib.id) (map (def: lib.functionArgs def.value) defs);
          __functor =
            _: argument: (mergeDefinitions (loc ++ [ "<function body>" ]) element (call argument)).value;
        };
      getSubOptions = prefix: element.getSubOptions (prefix ++ [ "<function body>" ]);
    };
in
{
  inherit
    functionTo
    listOf
    nonEmptyListOf
    nullOr
    unique
    ;
  uniq = unique { message = ""; };
  attrsOf = attributes false "attrsOf";
  lazyAttrsOf = attributes true "lazyAttrsOf";
}
