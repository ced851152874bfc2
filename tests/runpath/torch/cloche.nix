{
  cloche = {
    src = ./.;
    tests.enable = true;
  };
}
