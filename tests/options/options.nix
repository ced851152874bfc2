# The table of options: below each output the options that are tried on it, with a value that must change its derivation
# (of an app, its program) or whether it is there. `<name>` and `*` stand for all that the base has at this place.
{ toolchain }:
let
  example = ../../examples/branin;
  folder = ../../lib/fixtures;
  file = folder + "/data.json";
  other = folder + "/data.toml";
  program = toolchain.roles.git;
  # A lock for which every project is fresh, with all roles and a package that is built from its sdist.
  locked.cloche.python.lock = ./cloche.lock;
  compiled.cloche.python = {
    lock = ./cloche.lock;
    overrides.compiled = { };
  };
  # only : configuration -> value -> row; what a row needs besides the base, on both sides of its comparison.
  only = onlyWith: value: { inherit onlyWith value; };
in
{
  # The flake that the project is in.
  flake = {
    outPath = example;
    rev = "0000000000000000000000000000000000000000";
    lastModifiedDate = "20260101000000";
    narHash = "sha256-0iaTCZDEORJeWamOjfDZaoZZx686f7QO5oL3ynmj+ew=";
    inputs.cloche = { };
  };
  # Everything is switched on: what is not looked at is not evaluated.
  base.cloche = {
    src = example;
    inherit toolchain;
    audit = {
      enable = true;
      advisories = folder;
      date = "2026-01-01";
      ignore = [
        {
          id = "CVE-1";
          reason = "not reached";
          expires = "2026-01-02";
        }
      ];
    };
    chaos.enable = true;
    images.default = { };
    lint.enable = true;
    performance.surrogate.suite = [ "benchmarks" ];
    profile.enable = true;
    provenance.enable = true;
    regression.search = {
      command = [ "branin" ];
      tolerances = [
        {
          path = "regret";
          distribution.test = "welch";
        }
      ];
    };
    report.enable = true;
    reproduce.enable = true;
    sbom = {
      enable = true;
      components = [
        {
          path = program;
          name = "git";
          version = "1";
        }
      ];
    };
    selection = {
      base = folder;
      map = file;
      rows = file;
    };
    shells.notebook = { };
    tests = {
      enable = true;
      quarantine.a = {
        reason = "issue 7";
        until = "2026-01-02";
      };
    };
    types.enable = true;
  };
  rows = {
    "apps.lock" = {
      "cloche.directory" = "python";
      "cloche.python.sdists" = [ "numpy" ];
      "cloche.python.version" = "3.12";
      "cloche.systems" = [ "aarch64-linux" ];
    };
    "apps.more"."apps".more.program = "/bin/sh";
    "checks.audit" = {
      "cloche.audit.advisories" = ./.;
      "cloche.audit.ceiling" = "low";
      "cloche.audit.date" = "2026-01-02";
      "cloche.audit.enable" = false;
      "cloche.audit.ignore" = [ ];
      "cloche.audit.ignore.*.expires" = "2026-01-03";
      "cloche.audit.ignore.*.id" = "CVE-2";
      "cloche.audit.ignore.*.justification" = "code_not_reachable";
      "cloche.audit.ignore.*.package" = "idna";
      "cloche.audit.ignore.*.reason" = "another";
      "cloche.audit.ignore.*.state" = "not_affected";
      "cloche.audit.licenses.denied" = [ "AGPL-*" ];
      "cloche.audit.licenses.permitted" = [ "MIT" ];
      "cloche.audit.licenses.unknown" = "fail";
      "cloche.audit.maximumAge" = 1;
      "cloche.audit.notAudited" = "fail";
      "cloche.audit.unknownSeverity" = "none";
    };
    "checks.chaos" = {
      "cloche.chaos.arguments" = [ "-x" ];
      "cloche.chaos.deadline" = 1;
      "cloche.chaos.enable" = false;
      "cloche.chaos.floor" = 0.5;
      "cloche.chaos.maximum.fragile" = 1;
      "cloche.chaos.maximum.notReached" = 1;
      "cloche.chaos.maximum.notRun" = 1;
      "cloche.chaos.maximum.safe" = 1;
      "cloche.chaos.maximum.unasserted" = 1;
      "cloche.chaos.native" = only locked true;
      "cloche.chaos.packages" = [ "branin" ];
      "cloche.chaos.rate" = 0.5;
      "cloche.chaos.seeds" = [ 7 ];
      "cloche.chaos.types" = [ "network" ];
    };
    "checks.image" = {
      "cloche.images.<name>.allowRoot" = true;
      "cloche.images.<name>.allowed" = [ "cc" ];
    };
    "checks.lint" = {
      "cloche.lint.enable" = false;
      "cloche.lint.format" = false;
      "cloche.lint.groups" = [ "types" ];
      "cloche.lint.paths" = [ "src" ];
    };
    # It counts the packages.
    "checks.lock"."cloche.python.lock" = ./cloche.lock;
    "checks.more"."checks".more = program;
    "checks.reproducible" = {
      "cloche.reproduce.enable" = false;
      "cloche.reproduce.variations" = [ "date" ];
    };
    "checks.tests" = {
      "cloche.tests.arguments" = [ "-x" ];
      "cloche.tests.attempt" = 1;
      "cloche.tests.coverage" = true;
      "cloche.tests.enable" = only { cloche.chaos.enable = false; } false;
      "cloche.tests.exclude" = [ ];
      "cloche.tests.groups" = [ "types" ];
      "cloche.tests.narrow" = "packages";
      "cloche.tests.programs" = [ program ];
      "cloche.tests.quarantine" = { };
      "cloche.tests.quarantine.<name>.reason" = "issue 8";
      "cloche.tests.quarantine.<name>.until" = "2026-01-03";
      "cloche.tests.record" = folder + "/none.json";
      "cloche.tests.reruns" = 1;
      "cloche.tests.scratch" = [ "tests/output/*" ];
      "cloche.tests.timeout" = 600;
      "cloche.tests.variables".A = "1";
    };
    "checks.types" = {
      "cloche.types.arguments" = [ "src" ];
      "cloche.types.enable" = false;
      "cloche.types.groups" = [ "dev" ];
    };
    "devShells.more"."devShells".more = program;
    "devShells.notebook" = {
      "cloche.shells" = { };
      "cloche.shells.<name>.editable" = false;
      "cloche.shells.<name>.groups" = [ "test" ];
      "cloche.shells.<name>.hook" = "echo";
      "cloche.shells.<name>.programs" = [ program ];
      "cloche.shells.<name>.variables".A = "1";
    };
    "legacyPackages.more"."legacyPackages".more = program;
    "packages.env" = {
      "cloche.python.bytecode" = "all";
      "cloche.python.groups" = [ "test" ];
      "cloche.python.overrides".numpy.exclude = [ "tests/*" ];
      "cloche.python.overrides.<name>.exclude" = only compiled [ "tests/*" ];
      "cloche.python.overrides.<name>.programs" = only compiled [ program ];
      "cloche.python.overrides.<name>.settings" = only compiled { a = "1"; };
      "cloche.python.overrides.<name>.variables" = only compiled { A = "1"; };
    };
    "packages.image" = {
      "cloche.images" = { };
      "cloche.images.<name>.annotations".a = "1";
      "cloche.images.<name>.caCertificates" = true;
      "cloche.images.<name>.command" = [ "--help" ];
      "cloche.images.<name>.contents" = [ program ];
      "cloche.images.<name>.entrypoint" = [ "/bin/sh" ];
      "cloche.images.<name>.environment".A = "1";
      "cloche.images.<name>.home" = "/home/other";
      "cloche.images.<name>.labels".a = "1";
      "cloche.images.<name>.licenses".numpy = file;
      "cloche.images.<name>.maxLayers" = 6;
      "cloche.images.<name>.name" = "other";
      "cloche.images.<name>.package" = program;
      "cloche.images.<name>.ports" = [ "80/tcp" ];
      "cloche.images.<name>.revision" = "1";
      "cloche.images.<name>.tag" = "other";
      "cloche.images.<name>.timeZones" = true;
      "cloche.images.<name>.user" = "2000:2000";
      "cloche.images.<name>.volumes" = [ "/data" ];
      "cloche.images.<name>.workingDirectory" = "/data";
    };
    "packages.more"."packages".more = program;
    "packages.performance" = {
      "cloche.base" = example;
      "cloche.performance" = { };
      "cloche.performance.<name>.arguments" = [ "-x" ];
      "cloche.performance.<name>.command" = only {
        cloche.performance.surrogate = {
          suite = [ ];
          command = [ "branin" ];
        };
      } [ "python" ];
      "cloche.performance.<name>.effect" = 0.5;
      "cloche.performance.<name>.files" = [ "README.md" ];
      "cloche.performance.<name>.gate" = 0.5;
      "cloche.performance.<name>.groups" = [ "benchmark" ];
      "cloche.performance.<name>.instruments" = [ "time" ];
      "cloche.performance.<name>.programs" = [ program ];
      "cloche.performance.<name>.runs" = 3;
      "cloche.performance.<name>.setUp" = [ "python" ];
      "cloche.performance.<name>.suite" = [ "tests" ];
      "cloche.performance.<name>.variables".A = "1";
    };
    "packages.profile" = {
      "cloche.profile.enable" = false;
      "cloche.profile.experiments" = [ ];
      "cloche.profile.floor" = 1;
      "cloche.profile.native" = false;
      "cloche.profile.rate" = 1;
      "cloche.profile.seconds" = 2;
      "cloche.profile.slowest" = 1;
    };
    "packages.provenance" = {
      "cloche.provenance.attributes" = [ "wheel" ];
      "cloche.provenance.builder" = "https://example.org/ci/v1";
      "cloche.provenance.enable" = false;
      "cloche.provenance.inputs" = [ "cloche/nixpkgs-lib" ];
      "cloche.provenance.source" = "git+https://example.org/lab/branin";
    };
    "packages.regression" = {
      "cloche.regression" = { };
      "cloche.regression.<name>.baselines" = "baselines";
      "cloche.regression.<name>.command" = [ "python" ];
      "cloche.regression.<name>.files" = [ "README.md" ];
      "cloche.regression.<name>.format" = "csv";
      "cloche.regression.<name>.groups" = [ "test" ];
      "cloche.regression.<name>.pins".threads = 2;
      "cloche.regression.<name>.pins.blas" = "SandyBridge";
      "cloche.regression.<name>.pins.glibc" = "-FMA";
      "cloche.regression.<name>.pins.hashSeed" = 1;
      "cloche.regression.<name>.pins.level" = "x86-64-v3";
      "cloche.regression.<name>.pins.numpy" = [ "X86_V4" ];
      "cloche.regression.<name>.pins.threads" = 2;
      "cloche.regression.<name>.programs" = [ program ];
      "cloche.regression.<name>.result" = "other.json";
      "cloche.regression.<name>.tolerances" = [ ];
      "cloche.regression.<name>.tolerances.*.absolute" = 0.5;
      "cloche.regression.<name>.tolerances.*.distribution" = null;
      "cloche.regression.<name>.tolerances.*.distribution.alpha" = 0.01;
      "cloche.regression.<name>.tolerances.*.distribution.effect" = 0.5;
      "cloche.regression.<name>.tolerances.*.distribution.negligible" = 0.01;
      "cloche.regression.<name>.tolerances.*.distribution.power" = 0.5;
      "cloche.regression.<name>.tolerances.*.distribution.test" = "mann-whitney";
      "cloche.regression.<name>.tolerances.*.exact" = true;
      "cloche.regression.<name>.tolerances.*.ignore" = "a timing";
      "cloche.regression.<name>.tolerances.*.path" = "other";
      "cloche.regression.<name>.tolerances.*.relative" = 0.5;
      "cloche.regression.<name>.tolerances.*.ulp" = 8;
      "cloche.regression.<name>.tolerances.*.worse" = "higher";
      "cloche.regression.<name>.variables".A = "1";
      "cloche.regression.<name>.waivers" = other;
    };
    "packages.report" = {
      "cloche.report.enable" = false;
      "cloche.report.history" = file;
      "cloche.report.measured" = true;
      "cloche.report.reproduce" = file;
    };
    "packages.sbom" = {
      "cloche.sbom.components" = [ ];
      "cloche.sbom.components.*.license" = "MIT";
      "cloche.sbom.components.*.name" = "other";
      "cloche.sbom.components.*.path" = toolchain.base;
      "cloche.sbom.components.*.purl" = "pkg:generic/git@1";
      "cloche.sbom.components.*.sha256" = "0000000000000000000000000000000000000000000000000000000000000000";
      "cloche.sbom.components.*.version" = "2";
      "cloche.sbom.enable" = false;
    };
    "packages.test-model" = {
      "cloche.selection.origins" = [ "mutant" ];
      "cloche.selection.rows" = other;
    };
    "packages.test-selection" = {
      "cloche.selection.base" = ./.;
      "cloche.selection.budget" = 60;
      "cloche.selection.map" = other;
      "cloche.selection.recall" = 0.5;
      "cloche.selection.unrelated" = [ "docs/*" ];
    };
    "packages.wheel" = {
      "cloche.configSettings".a = "1";
      "cloche.exclude" = [ ];
      "cloche.name" = only locked "compiled";
      "cloche.programs" = [ program ];
      "cloche.roles" = [ "valgrind" ];
      "cloche.src" = only locked ../growth;
      "cloche.toolchain" = toolchain.varied { TZ = "Asia/Kathmandu"; };
      "cloche.variables".A = "1";
      "cloche.version" = "2";
    };
  };
}
