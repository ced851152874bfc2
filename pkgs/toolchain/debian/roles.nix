# Roles: further sets of pinned packages, each one prefix on top of the base, fetched only when something uses it.
{
  system,
  pins,
  base,
  loader,
  triplet,
  run,
  # source : string -> entry -> derivation, so that a package has the path that `fetch` gives it.
  source,
}:
let
  # packages : string -> [ derivation ]
  packages =
    name:
    map (
      pin:
      source pin.name {
        inherit (pin) version sha256;
        file = baseNameOf pin.path;
      }
    ) (builtins.fromJSON (builtins.readFile (pins + "/${name}.json")));

  role =
    name: extra:
    run.runPython (
      {
        name = "cloche-${name}";
        script = ./build-role.py;
        debs = packages name;
        inherit triplet loader;
      }
      // extra
    );
in
{
  # C, C++ and Fortran compilers with make and pkg-config; what they link runs on the base alone.
  cc = role "cc" {
    wrapped = {
      gcc = [
        "gcc"
        "cc"
      ];
      "g++" = [
        "g++"
        "c++"
      ];
      gfortran = [ "gfortran" ];
      cpp = [ "cpp" ];
    };
    gccVersion = "12";
  };
  git = role "git" { };
  # diffoscope with what it reads archives with, libfaketime, and the sources of locales.
  reproduce = role "reproduce" { };
}
