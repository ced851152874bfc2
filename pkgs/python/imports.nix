# What modules of Cloche's library need of it, with those themselves; which module imports what is in imports.json,
# which ci/house/imports.py writes. imports : [ file below python/src/cloche ] -> { file = null; }
roots:
let
  imports = builtins.fromJSON (builtins.readFile ../../python/src/cloche/imports.json);
  missing = builtins.filter (file: !(imports ? ${file})) roots;
in
if missing != [ ] then
  throw "python/src/cloche/imports.json has no ${builtins.concatStringsSep ", " missing}; run python ci/house/imports.py"
else
  builtins.listToAttrs (
    map
      (file: {
        name = file.key;
        value = null;
      })
      (
        builtins.genericClosure {
          startSet = map (key: { inherit key; }) roots;
          # Files of a package that are no modules import nothing.
          operator = file: map (key: { inherit key; }) (imports.${file.key} or [ ]);
        }
      )
  )
