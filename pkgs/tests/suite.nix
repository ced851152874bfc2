# A project's tests: the recordings of its batches, the record of the whole, and the run that finds out what each test
# file needs. Without cloche-tests.json there is one batch, with everything.
{
  toolchain,
  # The configuration (nix/tests/default.nix, nix/project/default.nix, nix/project/build.nix).
  cfg,
}:
let
  inherit (cfg) build tests;
  sourceFiles = import ../../lib/tests/source-files.nix;
  recording = import ./results.nix { inherit toolchain; };
  join = import ./join.nix { inherit toolchain; };
  tree = sourceFiles {
    path = cfg.src;
    exclude = tests.exclude ++ [ "cloche-tests.json" ];
  };
  source = sourceFiles {
    path = cfg.src;
    inherit (cfg) exclude;
  };
  record = (import ../../lib/tests/record.nix) tests.record;
  collection = import ../../lib/tests/collection.nix {
    path = cfg.src;
    inherit tree;
    inherit (tests) arguments variables;
  };
  locked = build.selection.namesOf ([ "default" ] ++ tests.groups);
  unpacked = map (package: build.set.packages.${package});
  # Which packages each batch is given; null where it is all.
  narrowing =
    if tests.narrow == "packages" && record != null then
      import ../../lib/tests/package-needs.nix {
        inherit record locked;
        always = if tests.coverage then [ "coverage" ] else [ ];
      }
    else
      null;
  tracer = import ./tracer.nix { inherit toolchain; } { inherit (tests) coverage; };
  environment =
    packages: prefixes:
    build.set.environment {
      name = "${cfg.name}-tests";
      wheels = unpacked packages ++ [ tracer ] ++ prefixes;
    };
  run = {
    inherit (tests.run)
      arguments
      variables
      attempt
      programs
      ;
    inherit (tests) scratch reruns coverage;
  };

  recordWhole =
    {
      name,
      files,
      leave,
    }:
    recording (
      run
      // {
        inherit name;
        environment = environment locked [ build.unpacked ];
        source = tests.run.source;
        prefixes = [ build.unpacked ];
        closure = {
          inherit files leave;
          inherit (tests) timeout;
          modules = record.modules or { };
          recorded = null;
        };
      }
    );
  plan = import ../../lib/tests/batches.nix {
    inherit
      record
      tree
      source
      collection
      ;
    packages = narrowing;
  };
  part = import ./narrowed.nix {
    inherit
      toolchain
      cfg
      record
      plan
      tree
      ;
  };
  batches = builtins.listToAttrs (
    map (batch: {
      inherit (batch) name;
      value =
        if batch.whole then
          recordWhole {
            name = "${cfg.name}-${batch.name}";
            inherit (batch) files leave;
          }
        else
          part.record {
            inherit batch run;
            environment = environment (if narrowing == null then locked else batch.packages);
          };
    }) plan.batches
  );
  full = recordWhole {
    name = "${cfg.name}-test-results";
    files = null;
    leave = [ ];
  };
  recordings = if record == null then { all = full; } else batches;
  results =
    (
      if record == null then
        full
      else
        join {
          name = "${cfg.name}-test-results";
          inherit batches;
          packages = if narrowing == null then null else { inherit (narrowing) table; wheels = unpacked locked; };
        }
    )
    // {
      # What the tests ran in, for the provenance.
      suites = builtins.mapAttrs (_: recorded: { inherit (recorded) environment source; }) recordings;
    };
in
{
  # All in one process and with the whole tree.
  inherit full;
  batches = recordings;
  inherit results;
  # Which test runs which functions, for select-tests.
  map = import ./map.nix { inherit toolchain; } {
    name = "${cfg.name}-impact-map.json";
    inherit results;
    environment = environment locked [ build.unpacked ];
    source = import ../python/source-tree.nix {
      path = cfg.src;
      name = "${cfg.name}-tree";
    };
  };
  # What checks/tests-compared.nix compares: every test does the same in the whole tree and in its batch.
  compared = {
    name = "${cfg.name}-tests-compared";
    whole = full;
    narrowed = results;
    wheel = build.unpacked;
    frame = if record == null then null else part.frame;
    modules = record.modules or { };
  };
  trace = import ./trace.nix { inherit toolchain; } {
    name = "${cfg.name}-tests-trace";
    environment = environment locked [ build.unpacked ];
    source = tests.run.source;
    project = build.unpacked;
    projectSource = build.source;
    inherit collection;
    inherit (run)
      arguments
      variables
      scratch
      programs
      ;
  };
}
