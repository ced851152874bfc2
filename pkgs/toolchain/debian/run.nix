# The two runners of the contract. Both see one world: /bin/sh, /usr/bin/env, time zones, C.UTF-8, a home.
{
  system,
  base,
  loader,
  version,
  # Variables that every build has instead of the usual ones, or besides them, from its first process on.
  variables ? { },
}:
let
  file =
    path:
    builtins.path {
      inherit path;
      name = baseNameOf path;
    };
  # Made once, not for each derivation: putting a file into the store costs more than the rest of an evaluation.
  pythonRunner = file ./run.py;
  bashRunner = file ./run.sh;
  # Every derivation's environment; the values that a build can see differ nowhere.
  environment = {
    inherit system;
    SOURCE_DATE_EPOCH = "315532800";
    LC_ALL = "C.UTF-8";
    LOCPATH = "${base}/lib/locale";
    TZDIR = "${base}/share/zoneinfo";
    PYTHONHASHSEED = "0";
    PYTHONDONTWRITEBYTECODE = "1";
  }
  // variables;
  # Structured attributes are no variables of the builder, so `env` sets what its first process must have.
  start =
    words:
    let
      all =
        if variables == { } then
          words
        else
          [ "${base}/bin/env" ]
          ++ builtins.attrValues (builtins.mapAttrs (name: value: "${name}=${value}") variables)
          ++ words;
    in
    {
      builder = builtins.head all;
      args = builtins.tail all;
    };
in
{
  inherit environment;
  # runPython : { name, script, ... } -> derivation. `script` is a file whose function main(attrs) is called with the
  # derivation's attributes (structured, so of any size); standard library only, unless `path` names more. Nix gives a
  # builder its base name as argv[0], from which Python could not find its library; through the loader it gets its path.
  runPython =
    {
      name,
      script,
      # Folders or wheels that are put on sys.path.
      path ? [ ],
      ...
    }@attrs:
    derivation (
      environment
      // attrs
      // {
        inherit name path;
        # Who makes many derivations of one script hands it in as a store path.
        script = if builtins.isPath script then file script else script;
        __structuredAttrs = true;
        base = "${base}";
      }
      // start [
        loader
        "${base}/bin/python${version}"
        "-I"
        "-S"
        pythonRunner
      ]
    );

  # runBash : { name, script, ... } -> derivation. `script` is text; variables are the derivation's attributes.
  runBash =
    {
      name,
      script,
      # Prefixes whose bin/ comes before the base's.
      path ? [ ],
      ...
    }@attrs:
    derivation (
      environment
      // attrs
      // {
        inherit name;
        base = "${base}";
        path = builtins.concatStringsSep ":" (map (prefix: "${prefix}/bin") (path ++ [ base ]));
      }
      // start [
        "${base}/bin/bash"
        "-e"
        bashRunner
      ]
    );
}
