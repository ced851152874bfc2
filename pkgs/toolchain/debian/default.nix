# The `debian` toolchain: everything a build needs, from pinned packages of Debian 12.
#
# Returns the contract that the rest of Cloche is written against (docs/toolchain.md):
#   system, python { interpreter, version, full, sitePackages }, tools { name -> path }, loader, libraries,
#   environment, runPython, runBash, roles.
{
  # The system whose binaries are pinned: a folder of ./pins.
  system,
}:
let
  pins = ./pins + "/${system}";
  triplet = builtins.replaceStrings [ "-linux" ] [ "-linux-gnu" ] system;
  # Debian's name of the interpreter's package carries the version, so the pins are its only source.
  seedPins = builtins.fromJSON (builtins.readFile (pins + "/seed.json"));
  pythonPin =
    let
      found = builtins.filter (pin: builtins.match "python3\\.[0-9]+" pin.name != null) seedPins;
    in
    builtins.head found;
  version = builtins.substring 6 (-1) pythonPin.name;

  pipPin = builtins.head (builtins.filter (pin: pin.name == "python3-pip-whl") seedPins);
  pipWheel = "pip-${builtins.head (builtins.match "([0-9.]+[0-9]).*" pipPin.version)}-py3-none-any.whl";

  # What a manylinux wheel may expect of a system (PEP 600; auditwheel's manylinux-policy.json), and the base has: all
  # but the C library itself, libatomic, and the libraries of a desktop.
  manylinux = [
    "libanl.so.1"
    "libdl.so.2"
    "libexpat.so.1"
    "libgcc_s.so.1"
    "libm.so.6"
    "libnsl.so.1"
    "libpthread.so.0"
    "libresolv.so.2"
    "librt.so.1"
    "libstdc++.so.6"
    "libutil.so.1"
    "libz.so.1"
  ]
  ++ (if system == "x86_64-linux" then [ "libmvec.so.1" ] else [ ]);

  seed = import ./seed.nix { inherit system pins; };
  base = import ./base.nix {
    inherit
      system
      seed
      triplet
      version
      manylinux
      ;
  };
  loader = "${base}/lib/${
    if system == "aarch64-linux" then "ld-linux-aarch64.so.1" else "ld-linux-x86-64.so.2"
  }";
  runWith =
    variables:
    import ./run.nix {
      inherit
        system
        base
        loader
        version
        variables
        ;
    };
  run = runWith { };
  python = {
    inherit version;
    full = builtins.head (builtins.match "([0-9.]+).*" pythonPin.version);
    interpreter = "${base}/bin/python${version}";
    sitePackages = "lib/python${version}/site-packages";
  };
  contract = {
    name = "debian";
    inherit
      system
      python
      base
      seed
      pins
      loader
      ;
    inherit (run) runPython runBash environment;
    # varied : { NAME = value; } -> toolchain that gives every build these variables; its base and roles stay.
    varied = variables: contract // { inherit (runWith variables) runPython runBash environment; };
    libraries = "${base}/lib";
    inherit manylinux;
    # A pip whose version is pinned with the toolchain: `fetch` reads the user's indexes through it.
    pip = "${seed}/usr/share/python-wheels/${pipWheel}";
    tools = {
      bash = "${base}/bin/bash";
      patchelf = "${base}/bin/patchelf";
      python = python.interpreter;
    };
    # Licence texts of what the base is made of.
    licenses = import ./licenses.nix {
      inherit seed run;
      texts = builtins.head (packages "licenses");
    };
    roles = import ./roles.nix {
      inherit
        base
        loader
        triplet
        run
        packages
        ;
    };
    contents = import ./contents.nix {
      inherit
        system
        pins
        base
        seed
        ;
      inherit (contract) licenses roles;
      distribution = "debian-12";
    };
  };
  # packages : string -> [ derivation ]; the Debian packages of one set of pins, each at the path that `fetch` gives it.
  packages =
    name:
    map (
      pin:
      source pin.name {
        inherit (pin) version sha256;
        file = baseNameOf pin.path;
      }
    ) (builtins.fromJSON (builtins.readFile (pins + "/${name}.json")));
  source = import ../../python/source.nix {
    toolchain = contract;
    storeName = import ../../../lib/lock/store-name.nix;
  };
in
contract
