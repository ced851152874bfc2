# A project's tests: the recordings of its batches, the record of the whole, and the run that finds out what each test
# file needs. Without cloche-tests.json there is one batch, with everything.
{
  toolchain,
  # The configuration (nix/tests.nix, nix/project.nix, nix/build.nix).
  cfg,
}:
let
  inherit (cfg) build tests;
  sourceFiles = import ../lib/source-files.nix;
  recording = import ./test-results.nix { inherit toolchain; };
  join = import ./test-join.nix { inherit toolchain; };
  compare = import ../checks/tests-compared.nix { inherit toolchain; };
  tree = sourceFiles {
    path = cfg.src;
    exclude = tests.exclude ++ [ "cloche-tests.json" ];
  };
  source = sourceFiles {
    path = cfg.src;
    inherit (cfg) exclude;
  };
  record = (import ../lib/tests-record.nix) tests.record;
  collection = import ../lib/collection.nix {
    path = cfg.src;
    inherit tree;
    inherit (tests) arguments variables;
  };
  narrowed =
    name: keep:
    import ./source-tree.nix {
      path = cfg.src;
      inherit name keep;
    };

  locked = build.selection.namesOf ([ "default" ] ++ tests.groups);
  unpacked = map (package: build.set.packages.${package});
  # Which packages each batch is given; null where it is all.
  narrowing =
    if tests.narrow == "packages" && record != null then
      import ../lib/package-closures.nix {
        inherit record locked;
        always = if tests.coverage then [ "coverage" ] else [ ];
      }
    else
      null;
  tracer = toolchain.runPython {
    name = "test-tracer";
    script = ../python/src/cloche/install_tracer.py;
    # Where the builds of a sandbox have their folder (suite.py writes it).
    configuration = "/build/cloche-trace.json";
    modules = (import ./python-modules.nix) "cloche-tracing" (
      [ "tracing" ]
      ++ (
        if tests.coverage then
          [ "outcomes/reports.py" ]
          ++ map (module: "impact/${module}.py") [
            "__init__"
            "children"
            "contexts"
            "measurement"
            "plugin"
            "reads"
            "recording"
            "source"
            "watch"
          ]
        else
          [ ]
      )
    );
    inherit (toolchain.python) sitePackages;
  };
  environment =
    packages: prefixes:
    build.set.environment {
      name = "${cfg.name}-tests";
      wheels = unpacked packages ++ [ tracer ] ++ prefixes;
    };
  whole = tests.run.source;
  run = {
    inherit (tests.run)
      arguments
      variables
      attempt
      programs
      ;
    inherit (tests) scratch reruns coverage;
  };

  # record : batch -> derivation
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
        source = whole;
        prefixes = [ build.unpacked ];
        closure = {
          inherit files leave;
          inherit (tests) timeout;
          modules = record.modules or { };
          recorded = null;
        };
      }
    );
  plan = import ../lib/batches.nix {
    inherit
      record
      tree
      source
      collection
      ;
    packages = narrowing;
  };
  # The project's wheel without its modules: metadata, and what its build makes.
  frame = build.unpackedFrom (narrowed "${cfg.name}-frame" plan.frame);
  recordNarrowed =
    batch:
    let
      modules = toolchain.runPython {
        name = "${cfg.name}-modules";
        script = ../python/src/cloche/place_modules.py;
        path = [ build.set.unpacker ];
        source = narrowed "${cfg.name}-modules" (builtins.intersectAttrs batch.keep plan.modules);
        inherit (record) modules;
        inherit (cfg.python) bytecode;
        inherit (toolchain.python) sitePackages;
      };
      prefixes = [
        frame
        modules
      ];
    in
    recording (
      run
      // {
        name = "${cfg.name}-${batch.name}";
        environment = environment (if narrowing == null then locked else batch.packages) prefixes;
        inherit prefixes;
        source = narrowed "${cfg.name}-tests" (builtins.intersectAttrs batch.keep tree);
        closure = {
          inherit (batch) files leave recorded;
          inherit (tests) timeout;
          inherit (record) modules;
        };
      }
    );
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
          recordNarrowed batch;
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
  map = toolchain.runPython {
    name = "${cfg.name}-impact-map.json";
    script = ../python/src/cloche/map_tests.py;
    path = [
      ((import ./python-modules.nix) "cloche-test-map" [
        "impact/__init__.py"
        "impact/recording.py"
        "impact/source.py"
        "installed_packages.py"
        "untrusted/__init__.py"
        "untrusted/walk.py"
      ])
    ];
    inherit results;
    environment = environment locked [ build.unpacked ];
    source = import ./source-tree.nix {
      path = cfg.src;
      name = "${cfg.name}-tree";
    };
    inherit (toolchain.python) sitePackages;
  };
  # Passes when every test does the same in the whole tree and in its batch.
  compared = compare {
    name = "${cfg.name}-tests-compared";
    whole = full;
    narrowed = results;
    wheel = build.unpacked;
    frame = if record == null then null else frame;
    modules = record.modules or { };
  };
  trace = toolchain.runPython {
    name = "${cfg.name}-tests-trace";
    script = ../python/src/cloche/trace_tests.py;
    path = [
      ((import ./python-modules.nix) "cloche-test-recorder" [
        "installed_packages.py"
        "suite.py"
        "untrusted/__init__.py"
        "untrusted/walk.py"
      ])
    ];
    environment = environment locked [ build.unpacked ];
    source = whole;
    prefixes = [ build.unpacked ];
    project = build.unpacked;
    projectSource = build.source;
    inherit collection;
    inherit (run)
      arguments
      variables
      scratch
      programs
      ;
    inherit (toolchain.python) sitePackages;
  };
}
