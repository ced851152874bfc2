# Reading cloche.lock: builtins.fromJSON, and clear errors for everything that cannot be used.
#
# read : path -> lock
# pyproject : path -> attribute set
# fresh : { lock, path, src } -> bool
# select : { lock, path, system, python, sdists, roles } -> { packages, builds, names, namesOf }
let
  formatVersion = 1;

  fail = path: message: throw "${path}: ${message}";
  list = names: if names == [ ] then "(none)" else builtins.concatStringsSep ", " names;

  relevant = import ./lock-relevant.nix;

  # read : path -> lock; the file must be of the format that this Cloche writes.
  read =
    file:
    let
      shown = baseNameOf file;
      # Nix's own error has the line but not the file.
      lock = builtins.addErrorContext "while reading ${shown} as JSON; where it was edited, merged or cut off, make it again with 'nix run .#lock'" (
        builtins.fromJSON (builtins.readFile file)
      );
      version = lock.version or null;
      missing = builtins.filter (key: !(lock ? ${key})) [
        "environments"
        "made-from"
        "sdists"
      ];
    in
    if !builtins.pathExists file then
      fail shown "there is no such file beside pyproject.toml; make it with 'nix run .#lock' and 'git add' it"
    else if !builtins.isAttrs lock || version == null then
      fail shown "this is not a Cloche lock (it has no \"version\"); make it again with 'nix run .#lock'"
    else if version != formatVersion then
      fail shown "the lock has format version ${builtins.toJSON version}, this Cloche reads ${toString formatVersion}; make it again with 'nix run .#lock', or use the Cloche that wrote it"
    else if missing != [ ] then
      fail shown "this is not a whole lock (it has no ${list missing}); make it again with 'nix run .#lock'"
    else
      lock;

  # pyproject : path -> attribute set; the folder's pyproject.toml.
  pyproject =
    src:
    let
      file = src + "/pyproject.toml";
    in
    if builtins.pathExists file then
      builtins.addErrorContext "while reading pyproject.toml as TOML" (
        builtins.fromTOML (builtins.readFile file)
      )
    else
      throw "cloche.src: there is no pyproject.toml in this folder; name the project's folder, and 'git add' the file, since a flake sees only what git knows";

  # checked : string -> table -> table; refuses file names that would lead out of the folder they are put into.
  checked =
    path:
    builtins.mapAttrs (
      name: entry:
      if builtins.match "[^./\\][^/\\[:cntrl:]]*" entry.file == null then
        fail path "${builtins.toJSON entry.file} (of ${name}) is not a plain file name and could lead out of the environment; make the lock again with 'nix run .#lock'"
      else
        entry
    );

  # fresh : { lock, path, src } -> bool; throws the command to run when an input of the lock has changed since.
  fresh =
    {
      lock,
      path,
      # The project's folder.
      src,
    }:
    let
      stale =
        name: recorded:
        let
          file = src + "/${name}";
          now =
            if name == "pyproject.toml" then
              builtins.hashString "sha256" (
                builtins.toJSON (relevant (pyproject src))
              )
            else
              builtins.hashFile "sha256" file;
        in
        !builtins.pathExists file || now != recorded;
      changed = builtins.filter (name: stale name lock.made-from.${name}) (
        builtins.attrNames lock.made-from
      );
    in
    if changed == [ ] then
      true
    else
      fail path "the lock is stale: ${list changed} changed since it was made; run 'nix run .#lock'";

  # select : what one environment consists of; every way in which the lock cannot serve is an error of its own.
  select =
    {
      lock,
      # The lock's name, for messages.
      path,
      system,
      python,
      # Packages that the configuration wants from their sdist, and the toolchain's roles that it uses.
      sdists ? [ ],
      roles ? [ ],
    }:
    let
      systems = lock.environments;
      pythons =
        systems.${system}
          or (fail path "nothing is locked for ${system}, only for ${list (builtins.attrNames systems)}; run 'nix run .#lock -- --system ${system}'");
      environment =
        pythons.${python}
          or (fail path "nothing is locked for Python ${python} on ${system}, only for ${list (builtins.attrNames pythons)}; run 'nix run .#lock -- --python ${python}'");
      names =
        group:
        environment.groups.${group}
          or (fail path "there is no dependency group \"${group}\"; the groups are ${list (builtins.attrNames environment.groups)}");
      missing = builtins.filter (name: !builtins.elem name lock.sdists) sdists;
      unknown = builtins.filter (role: !builtins.elem role (lock.roles or [ ])) roles;
    in
    if unknown != [ ] then
      fail path "the configuration uses the roles ${list unknown}, but the lock does not have them; run 'nix run .#lock'"
    else if missing != [ ] then
      fail path "the configuration wants ${list missing} from source, but the lock has a wheel; run 'nix run .#lock'"
    else
      {
        packages = checked path environment.packages;
        builds = builtins.mapAttrs (
          _: build: build // { packages = checked path build.packages; }
        ) environment.builds;
        groups = builtins.attrNames environment.groups;
        # names : group -> [ package ];  namesOf : [ group ] -> [ package ], each once, sorted
        inherit names;
        namesOf =
          groups:
          builtins.attrNames (
            builtins.listToAttrs (
              map (name: {
                inherit name;
                value = null;
              }) (builtins.concatMap names groups)
            )
          );
      };
in
{
  inherit
    read
    pyproject
    fresh
    select
    relevant
    ;
}
