# batches : { record, tree, source, collection, packages } -> { batches, modules, frame }
#
# Which test files are recorded together, by the record cloche-tests.json. Files with the same closure share a batch;
# batches that are short beside the start of a process are joined, long ones are split. What the record cannot know (a
# new file, another way of collecting) is run in the whole tree, so nothing is left out by an old record.
{
  record,
  tree,
  source,
  # What decides which files pytest collects; the record has it as it was.
  collection,
  # What tells the packages of files (package-closures.nix); null where every batch has them all.
  packages ? null,
}:
let
  inherit (builtins)
    attrNames
    attrValues
    concatMap
    concatStringsSep
    elem
    elemAt
    filter
    foldl'
    genList
    groupBy
    hashString
    head
    length
    match
    replaceStrings
    sort
    substring
    ;
  # A batch lasts at least nine times as long as its start, which is then a tenth of the whole.
  enough = 9 * record.start-up;
  found = import ./needs.nix { inherit record tree source; };
  inherit (found) closures;

  seconds = files: foldl' (sum: path: sum + record.files.${path}.seconds) 0 files;
  # pack : [ [ file ] ] -> [ [ file ] ]; neighbours are joined until they last long enough.
  pack =
    groups:
    let
      step =
        state: group:
        let
          open = state.open ++ group;
        in
        if seconds open < enough then
          state // { inherit open; }
        else
          {
            open = [ ];
            closed = state.closed ++ [ open ];
          };
      end = foldl' step {
        open = [ ];
        closed = [ ];
      } groups;
      last = length end.closed - 1;
    in
    if end.open == [ ] then
      end.closed
    else if last < 0 then
      [ end.open ]
    else
      genList (elemAt end.closed) last ++ [ (elemAt end.closed last ++ end.open) ];
  shards = group: pack (map (path: [ path ]) (sort (a: b: a < b) group));

  # Where another program ran, or all was said to be needed.
  isWhole =
    path:
    let
      part = record.files.${path};
    in
    elem "*" (part.needs or [ ] ++ part.declared or [ ]) || part.programs or [ ] != [ ];
  present = attrNames closures;
  wholes = filter isWhole present;
  packagesOf = files: if packages == null then null else packages.given files;
  key =
    path:
    concatStringsSep "\n" (
      attrNames closures.${path} ++ (if packages == null then [ ] else [ "" ] ++ packagesOf [ path ])
    );
  same = attrValues (groupBy key (filter (path: !isWhole path) present));
  size = group: length (attrNames closures.${head group});
  ordered = sort (
    a: b: if size a == size b then head a < head b else size a < size b
  ) same;

  # A name for people, made of the first file's.
  plain =
    files:
    replaceStrings [ "/" "." ] [ "-" "-" ] (head (match "(.*)\\.[^.]*" (head files)))
    + (if length files == 1 then "" else "-and-${toString (length files - 1)}-more");
  named =
    batches:
    let
      taken = groupBy (batch: plain batch.files) batches;
      name =
        batch:
        if length taken.${plain batch.files} == 1 then
          plain batch.files
        else
          "${plain batch.files}-${substring 0 6 (hashString "sha256" (head batch.files))}";
    in
    map (batch: batch // { name = name batch; }) batches;
  narrowed = files: {
    inherit files;
    whole = false;
    leave = [ ];
    keep = found.withFolders (
      foldl' (sum: path: sum // closures.${path} // { ${path} = null; }) { } files
    );
    packages = packagesOf files;
    recorded = found.recorded files // {
      packages = if packages == null then { } else packages.left (packagesOf files);
    };
  };
  whole = files: {
    inherit files;
    whole = true;
    leave = [ ];
  };
  recorded = named (
    map narrowed (concatMap shards (pack ordered)) ++ map whole (shards wholes)
  );
  rest = {
    name = "unrecorded";
    files = null;
    whole = true;
    leave = present;
  };
  complete = present != [ ] && found.unknown == [ ] && collection == record.collection;
in
{
  inherit (found) modules frame unknown;
  batches = recorded ++ (if complete then [ ] else [ rest ]);
}
