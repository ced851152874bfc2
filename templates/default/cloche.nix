{
  cloche = {
    src = ./.;
    # packages.test-results and checks.tests; `lint` (ruff) and `types` (mypy) are switched on alike.
    tests.enable = true;
  };
}
