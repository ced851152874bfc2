# testRecord : path -> record or null
#
# The file cloche-tests.json, which `nix run .#trace-tests` writes; null where there is none.
file:
let
  formatVersion = 1;
  shown = baseNameOf file;
  renew = "make it again with 'nix run .#trace-tests'";
  content = builtins.addErrorContext "while reading ${shown} as JSON; where it was edited, merged or cut off, ${renew}" (
    builtins.fromJSON (builtins.readFile file)
  );
  version = content.version or null;
  missing = builtins.filter (key: !(content ? ${key})) [
    "build"
    "collection"
    "every"
    "files"
    "modules"
    "paths"
    "start-up"
    "unused"
  ];
in
if !builtins.pathExists file then
  null
else if !builtins.isAttrs content then
  throw "${shown}: this is no record of tests (it is no object); ${renew}"
else if version != formatVersion then
  throw "${shown}: the record has format version ${builtins.toJSON version}, this Cloche reads ${toString formatVersion}; ${renew}, or use the Cloche that wrote it"
else if missing != [ ] then
  throw "${shown}: this is not a whole record (it has no ${builtins.concatStringsSep ", " missing}); ${renew}"
else
  content
