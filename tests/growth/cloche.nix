{
  cloche = {
    src = ./.;
    tests.enable = true;
    lint.enable = true;
    types.enable = true;
  };
}
