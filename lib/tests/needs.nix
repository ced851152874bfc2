# closures : { record, tree, source } -> { closures, everything, modules, frame, unknown, recorded, tops }
#
# What each test file needs, by the record cloche-tests.json, of what is there now. Names that were looked for and not
# found are needs too: where they have come to be since, the file is given them.
{
  # The content of cloche-tests.json.
  record,
  # What the tests' tree and the wheel's source hold (sourceFiles).
  tree,
  source,
}:
let
  inherit (builtins)
    any
    attrNames
    attrValues
    concatMap
    elem
    elemAt
    filter
    groupBy
    head
    intersectAttrs
    mapAttrs
    match
    replaceStrings
    ;
  inherit (import ./path-sets.nix)
    above
    below
    folderOf
    set
    under
    union
    withFolders
    ;

  roots = attrNames record.modules;
  build = set record.build;
  parts = [ record.every ] ++ attrValues record.files;
  known = union [
    (set record.unused)
    (set (attrNames record.files))
    (set (concatMap (part: part.needs or [ ] ++ part.declared or [ ]) parts))
    build
  ];
  # What a batch can be without: modules that the wheel holds as they are. Other files of a package may be what its
  # build works on, also where they are in the wheel.
  narrowable =
    path:
    source.${path} != "directory"
    && any (root: under root path) roots
    && !(build ? ${path})
    && match ".*\\.py" path != null;
  modules = withFolders (set (filter narrowable (attrNames source)));
  # What the rest of the wheel is built from: all but the modules; of those only what makes a folder a package, since
  # backends refuse packages that are not there.
  first = path: elem path roots || match "(.*/)?__init__\\.py" path != null;
  isFile = path: source.${path} != "directory";
  frame = withFolders (
    set (filter (path: isFile path && (!(modules ? ${path}) || first path)) (attrNames source))
  );
  everything = tree // intersectAttrs modules source;
  children = groupBy (path: "${folderOf path}/") (attrNames everything);
  there = filter (path: everything ? ${path});
  # The files that can be the module of this name.
  candidates = stem: [
    stem
    "${stem}.py"
    "${stem}/__init__.py"
  ];

  # resolve : string -> [ path ]; what a name of the record stands for.
  resolve =
    name:
    let
      stem = match "(.*)\\.\\*" name;
      all = match "(.*)/\\*\\*" name;
    in
    if all != null then
      filter (under (head all)) (attrNames everything)
    else if name == "*" then
      attrNames everything
    else if name == "./" then
      children."/" or [ ]
    else if stem != null then
      there (candidates (head stem))
    else
      there [ name ] ++ children.${name} or [ ];
  # A top-level module that was looked for in all of sys.path.
  resolveModule =
    name:
    there (
      concatMap (
        folder: candidates (below folder (replaceStrings [ "." ] [ "/" ] name))
      ) record.paths
    );
  resolved =
    part:
    concatMap resolve (part.needs or [ ] ++ part.absent or [ ] ++ part.declared or [ ])
    ++ concatMap resolveModule (part.missing or [ ]);
  # Metadata of distributions is found by listing folders; there is none in the tree of most projects.
  metadata = filter (path: match "(.*/)?[^/]*\\.(dist|egg)-info(/.*)?" path != null) (
    attrNames tree
  );
  every = set (resolved record.every ++ metadata);
  # What pytest and Python read by themselves, from the top to the file's folder.
  chain =
    path:
    there (concatMap (folder: map (below folder) byRule) ([ "" ] ++ above path));
  byRule = [
    ".pytest.ini"
    ".pytest.toml"
    "__init__.py"
    "conftest.py"
    "pyproject.toml"
    "pytest.ini"
    "pytest.toml"
    "setup.cfg"
    "setup.py"
    "tox.ini"
  ];
  present = intersectAttrs everything record.files;
in
{
  inherit everything modules frame withFolders;
  # Test file -> the files that it needs besides itself.
  closures = mapAttrs (
    path: part: removeAttrs (every // set (chain path ++ resolved part)) [ path ]
  ) present;
  # Files that are there and that the record does not know.
  unknown = filter (path: everything.${path} != "directory" && !(known ? ${path})) (
    attrNames everything
  );
  # recorded : [ test file ] -> what a run of them may look for in vain.
  recorded =
    files:
    let
      of = [ record.every ] ++ map (path: record.files.${path}) files;
      names = key: attrNames (set (concatMap (part: part.${key} or [ ]) of));
    in
    {
      names = attrNames (set (names "needs" ++ names "absent" ++ names "declared"));
      missing = names "missing";
      programs = names "programs";
      # Top-level modules of the tree other than tests: whoever imports one of these gets it, or ends.
      tops = attrNames (
        set (
          concatMap (
            folder:
            concatMap (
              path:
              let
                stem = match "(.*/)?([^/.]+)(\\.py)?" path;
              in
              if stem == null || record.files ? ${path} then [ ] else [ (elemAt stem 1) ]
            ) (children.${below folder ""} or children."${folder}/" or [ ])
          ) record.paths
        )
      );
    };
}
