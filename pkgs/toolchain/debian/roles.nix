# Roles: further sets of pinned packages, each one prefix on top of the base, fetched only when something uses it.
{
  base,
  loader,
  triplet,
  run,
  # packages : string -> [ derivation ]; the Debian packages of one set of pins.
  packages,
}:
let
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
  # Headless Chromium and its driver, with fonts: for tests of pages.
  browser = role "browser" { };
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
  # libfiu, which is preloaded: usr/lib/libfiu.so.0 and usr/lib/fiu/fiu_posix_preload.so.
  # Libraries alone: there is no program whose loader would have to be set.
  chaos = run.runBash {
    name = "cloche-chaos";
    debs = packages "chaos";
    script = ''
      mkdir $out
      for deb in $debs; do
        dpkg-deb -x $deb $out
      done
      rm -r $out/usr/bin $out/usr/share
      exit 0
    '';
  };
  git = role "git" { };
  # diffoscope with what it reads archives with, libfaketime, and the sources of locales.
  reproduce = role "reproduce" { };
  # What reads, unpacks, runs and serves images: for tests.
  oci = role "oci" { };
  # A database server: for tests. Its programs are below usr/lib/postgresql, where Debian has them.
  postgresql = role "postgresql" { };
  # Cachegrind, which counts instructions. Its tools are where Debian has them, usr/libexec/valgrind (VALGRIND_LIB).
  valgrind = role "valgrind" { };
}
