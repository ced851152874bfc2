# What is wrong with the table of options, by evaluation alone (tests/test_options.py): options without a row, rows
# without an option, and rows whose output is the same with the value as without it.
{
  # Instead of those of options.nix.
  rows ? null,
}:
let
  lib = import ../../lib;
  # The one that the example's lock knows; nothing is built for it.
  system = "x86_64-linux";
  # The same for all rows, so that it is evaluated once.
  toolchain = import ../../pkgs/toolchain { inherit system; };
  modules = import ../../nix ++ [ ../../nix/outputs.nix ];
  table = import ./options.nix { inherit toolchain; };
  # The options that docs/options.md has.
  options = map (option: option.name) (
    builtins.filter (option: option.visible)
      (import ../../pkgs/docs.nix { inherit toolchain modules; }).reference.options
  );

  path = lib.splitString ".";
  # set : [ string ] -> value -> configuration -> configuration; in each submodule of a set or list.
  set =
    place: value: config:
    let
      key = builtins.head place;
      deeper = set (builtins.tail place) value;
    in
    if place == [ ] then
      value
    else if key == "*" then
      map deeper config
    else if key == "<name>" then
      builtins.mapAttrs (_: deeper) config
    else
      config // { ${key} = deeper (config.${key} or { }); };

  evaluate =
    config:
    (lib.evalModules {
      modules = modules ++ [
        config
        { cloche = { inherit (table) flake; }; }
      ];
      specialArgs = {
        self = table.flake;
        inherit system;
      };
    }).config;
  shared = evaluate table.base;

  # changed : string -> string -> value -> bool
  changed =
    output: option: given:
    let
      state =
        config:
        let
          value = lib.attrByPath (path output) null config;
        in
        builtins.addErrorContext "in the row of `${option}' (tests/options/options.nix)" (
          if value == null then null else value.drvPath or value.program
        );
      setIn = set (path option);
    in
    if given ? onlyWith then
      let
        base = lib.recursiveUpdate table.base given.onlyWith;
      in
      state (evaluate base) != state (evaluate (setIn given.value base))
    else
      state shared != state (evaluate (setIn given table.base));

  each =
    f: set:
    builtins.concatLists (builtins.attrValues (builtins.mapAttrs f set));
  given = if rows == null then table.rows else rows;
  named = each (_: builtins.attrNames) given;
in
map (option: "${option} has no row") (lib.subtractLists named options)
++ each (
  output:
  each (
    option: value:
    if !builtins.elem option options then
      [ "${option} is no option" ]
    else
      lib.optional (!changed output option value) "${option} does not change ${output}"
  )
) given
