{
  cloche = {
    src = ./.;
    tests.enable = true;
    tests.narrow = "packages";
    # One thread: sums that threads split differently round differently.
    tests.variables.OMP_NUM_THREADS = "1";
    tests.variables.OPENBLAS_NUM_THREADS = "1";
    chaos = {
      enable = true;
      # Those that talk to the system.
      packages = [
        "branin.archive"
        "branin.files"
        "branin.results"
      ];
      types = [
        "database"
        "filesystem"
      ];
      maximum = {
        fragile = 5;
        safe = 1;
      };
      arguments = [
        "-m"
        "not experiment"
        "tests/test_archive.py"
        "tests/test_files.py"
        "tests/test_results.py"
        "tests/test_survival.py"
      ];
    };
    lint.enable = true;
    provenance.enable = true;
    types.enable = true;
    sbom.enable = true;
    images.default = {
      command = [ "--help" ];
      timeZones = true;
      caCertificates = true;
    };
    performance.surrogate = {
      suite = [ "benchmarks" ];
      groups = [ "benchmark" ];
    };
    profile.enable = true;
    regression.search = {
      command = [
        "branin"
        "compare"
        "--repeats"
        "2"
        "--evaluations"
        "12"
        "--output"
        "results.json"
      ];
      # A smaller regret is progress, not a defect.
      tolerances = [
        {
          path = "regret";
          relative = 1.0e-6;
          worse = "higher";
        }
      ];
    };
    report.enable = true;
    reproduce.enable = true;
  };
}
