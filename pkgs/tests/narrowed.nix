# Recordings of batches that have a part of the tree: { frame; record : { batch, run, environment } -> derivation; }
{
  toolchain,
  # The configuration, as suite.nix has it.
  cfg,
  # cloche-tests.json
  record,
  # lib/tests/batches.nix
  plan,
  # The files of the tests, by their paths.
  tree,
}:
let
  narrowed =
    name: keep:
    import ../python/source-tree.nix {
      path = cfg.src;
      inherit name keep;
    };
  # The project's wheel without its modules: metadata, and what its build makes.
  frame = cfg.build.unpackedFrom (narrowed "${cfg.name}-frame" plan.frame);
in
{
  inherit frame;
  record =
    {
      batch,
      # What all recordings of the suite have in common.
      run,
      # [ prefix with the project's modules ] -> environment
      environment,
    }:
    let
      modules = toolchain.runPython {
        name = "${cfg.name}-modules";
        script = ../../python/src/cloche/environment/place_modules.py;
        path = [ cfg.build.set.unpacker ];
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
    import ./results.nix { inherit toolchain; } (
      run
      // {
        name = "${cfg.name}-${batch.name}";
        environment = environment prefixes;
        inherit prefixes;
        source = narrowed "${cfg.name}-tests" (builtins.intersectAttrs batch.keep tree);
        closure = {
          inherit (batch) files leave recorded;
          inherit (cfg.tests) timeout;
          inherit (record) modules;
        };
      }
    );
}
