# The programs behind the apps: Cloche's own command line, and the scripts that need no more than the host's sh.
{ toolchain }:
let
  own = import ./python/cloche.nix { inherit toolchain; };
  # Locking and building again need little, so that the first command in a project is quick.
  locking = own.commandLine [ ];
  fetcher = builtins.attrNames (import ./python/imports.nix [ "fetch/__main__.py" ]);
  # The part of Cloche that fetches; a folder, because its scripts find each other by their places.
  fetching = builtins.path {
    path = ../.;
    name = "cloche-fetch";
    filter =
      file: _:
      let
        path = import ./python/below.nix ../. file;
        wanted = [
          "pkgs/python/imports.nix"
          "lib/lock/store-name.nix"
          "pkgs/fetch"
          "pkgs/python/below.nix"
          "pkgs/python/modules.nix"
          "pkgs/python/source.nix"
          "pkgs/toolchain"
          "python/cloche.lock"
          "python/src/cloche/imports.json"
        ]
        ++ map (file: "python/src/cloche/${file}") fetcher;
        # A folder on the way to one of those.
        above = builtins.any (
          file: builtins.substring 0 (builtins.stringLength path + 1) file == "${path}/"
        ) wanted;
      in
      builtins.elem path wanted || above || builtins.match "(pkgs/fetch|pkgs/toolchain)/[^_].*" path != null;
  };
  cloche = own.commandLine [
    "attest"
    "audit"
    "image"
    "learn"
    "performance"
    "regression"
    "report"
    "sbom"
    "telemetry"
    "trace"
  ];
in
{
  # The whole command line.
  inherit cloche;
  # verb : string -> program that is one verb of it
  verb =
    name:
    let
      program = toolchain.runBash {
        inherit name;
        script = ''
          mkdir -p $out/bin
          printf '%s\n' '#!${toolchain.tools.bash}' 'exec ${cloche}/bin/cloche ${name} "$@"' > $out/bin/${name}
          chmod +x $out/bin/${name}
        '';
      };
    in
    "${program}/bin/${name}";
  fetch = "${fetching}/pkgs/fetch/fetch.sh";
  vendor = "${fetching}/pkgs/fetch/vendor.sh";
  # loadImage : name -> image -> program; the images are those of cloche.images.
  loadImage =
    images:
    let
      program = toolchain.runBash {
        name = "load-image";
        script = ''
          mkdir -p $out/bin
          cat > $out/bin/load-image <<'END'
          #!${toolchain.tools.bash}
          exec ${own.commandLine [ "image" ]}/bin/cloche load-image ${
            builtins.concatStringsSep " " (
              map (name: "--known ${name}=${images.${name}}") (builtins.attrNames images)
            )
          } "$@"
          END
          chmod +x $out/bin/load-image
        '';
      };
    in
    "${program}/bin/load-image";
  reproduce = import ./reproduce/program.nix {
    inherit toolchain;
    cloche = locking;
    fetch = "${fetching}/pkgs/fetch/fetch.sh";
  };
  # traceTests : { directory } -> program
  traceTests =
    { directory }:
    let
      program = toolchain.runBash {
        name = "trace-tests";
        script = ''
          mkdir -p $out/bin
          cat > $out/bin/trace-tests <<'END'
          #!${toolchain.tools.bash}
          # The project is where the user stands, or below the flake's folder as configured.
          project=${directory}
          [ -e "$project/pyproject.toml" ] || project=.
          exec ${own.commandLine [ "trace" ]}/bin/cloche trace-tests --project "$project" "$@"
          END
          chmod +x $out/bin/trace-tests
        '';
      };
    in
    "${program}/bin/trace-tests";
  # comparing : verb -> directory -> program; the verb's subcommand `revision`, for the project in that folder.
  comparing =
    verb: directory:
    let
      program = toolchain.runBash {
        name = verb;
        script = ''
          mkdir -p $out/bin
          cat > $out/bin/${verb} <<'END'
          #!${toolchain.tools.bash}
          exec ${own.commandLine [ ]}/bin/cloche ${verb} revision --directory ${directory} "$@"
          END
          chmod +x $out/bin/${verb}
        '';
      };
    in
    "${program}/bin/${verb}";
  # lock : { directory, python, sdists, systems } -> program
  lock =
    settings:
    let
      words = builtins.concatStringsSep " " (
        [ "--python ${settings.python}" ]
        ++ map (system: "--system ${system}") settings.systems
        ++ map (name: "--sdist ${name}") settings.sdists
        ++ [ "--roles '${builtins.concatStringsSep " " settings.roles}'" ]
      );
      program = toolchain.runBash {
        name = "lock";
        script = ''
          mkdir -p $out/bin
          cat > $out/bin/lock <<'END'
          #!${toolchain.tools.bash}
          # The project is where the user stands, or below the flake's folder as configured.
          project=${settings.directory}
          [ -e "$project/pyproject.toml" ] || project=.
          exec ${locking}/bin/cloche lock --project "$project" ${words} "$@"
          END
          chmod +x $out/bin/lock
        '';
      };
    in
    "${program}/bin/lock";
}
