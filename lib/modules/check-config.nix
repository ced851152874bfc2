# Enforces the options of assertions.nix.
lib:
# checkConfig :: config -> config; throws the messages of all failed assertions, else prints the warnings.
config:
let
  failed = builtins.filter (demand: !demand.assertion) config.assertions;
  indented = text: builtins.replaceStrings [ "\n" ] [ "\n  " ] (lib.removeSuffix "\n" text);
  count = builtins.length failed;
  title =
    if count == 1 then
      "A demand on the configuration is"
    else
      "${toString count} demands on the configuration are";
in
if failed != [ ] then
  throw "${title} not met:\n${
    lib.concatMapStringsSep "\n" (demand: "- ${indented demand.message}") failed
  }"
else
  builtins.foldl' (checked: message: lib.warn message checked) (removeAttrs config [
    "assertions"
    "warnings"
  ]) config.warnings
