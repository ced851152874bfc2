# How the definitions of one option become its value. A definition is { file; value; }, and one that had a place by
# mkOrder has it as `priority`.
lib:
let
  inherit (builtins)
    all
    concatMap
    filter
    head
    isAttrs
    isBool
    isInt
    length
    mapAttrs
    ;
  mark = value: value._type or null;

  # What a definition without mkOverride or mkOrder has, and the largest priority that can win.
  plainPriority = 100;
  plainOrder = 1000;
  lastPriority = 9999;

  # pushDown :: a -> [ a ]; moves mkIf and mkOverride into the attributes of a set and takes mkMerge apart, so
  # that the names in a set are known before any condition is.
  pushDown =
    value:
    let
      onEach = f: content: if isAttrs content then mapAttrs (_: f) content else content;
    in
    if mark value == "merge" then
      concatMap pushDown value.contents
    else if mark value == "if" then
      map (onEach (lib.mkIf value.condition)) (pushDown value.content)
    else if mark value == "override" then
      map (onEach (lib.mkOverride value.priority)) (pushDown value.content)
    else
      [ value ];

  # discharge :: loc -> definition -> [ definition ]; evaluates mkIf and takes mkMerge apart.
  discharge =
    loc: def:
    if mark def.value == "merge" then
      concatMap (value: discharge loc (def // { inherit value; })) def.value.contents
    else if mark def.value != "if" then
      [ def ]
    else if !isBool def.value.condition then
      throw (messages.condition loc def)
    else if def.value.condition then
      discharge loc (def // { value = def.value.content; })
    else
      [ ];

  priorityOf =
    loc: def:
    if mark def.value != "override" then
      plainPriority
    else if isInt def.value.priority && def.value.priority <= lastPriority then
      def.value.priority
    else
      throw (messages.priority loc def);

  withoutPriority =
    def: if mark def.value == "override" then def // { value = def.value.content; } else def;

  inOrder =
    defs:
    let
      place = def: if mark def.value == "order" then def.value.priority else plainOrder;
    in
    if lib.any (def: mark def.value == "order") defs then
      map (
        def:
        if mark def.value == "order" then
          {
            inherit (def) file;
            inherit (def.value) priority;
            value = def.value.content;
          }
        else
          def
      ) (builtins.sort (a: b: place a < place b) defs)
    else
      defs;

  # resolve :: loc -> [ definition ] -> { priority; definitions; }
  # With one plain definition there is nothing to compare.
  resolve =
    loc: defs:
    if length defs == 1 && mark (head defs).value == null then
      {
        priority = plainPriority;
        definitions = defs;
      }
    else
      resolveAll loc (concatMap (discharge loc) defs);

  resolveAll =
    loc: defs:
    let
      priority = builtins.foldl' (lowest: def: lib.min lowest (priorityOf loc def)) lastPriority defs;
      winners = filter (def: priorityOf loc def == priority) defs;
    in
    {
      inherit priority;
      definitions = inOrder (map (withoutPriority) winners);
    };

  messages = import ./definition-errors.nix lib;
in
{
  inherit pushDown messages;

  # mergeDefinitions :: loc -> type -> [ definition ] -> { isDefined; value; priority; definitions; }
  mergeDefinitions =
    loc: type: defs:
    let
      resolved = resolve loc defs;
      inherit (resolved) definitions;
      fits = def: type.check def.value;
    in
    {
      inherit (resolved) priority definitions;
      isDefined = definitions != [ ];
      value =
        if definitions == [ ] then
          type.emptyValue.value or (throw (messages.undefined loc type))
        else if all fits definitions then
          type.merge loc definitions
        else
          throw (messages.wrongType loc type (filter (def: !fits def) definitions));
    };
}
