{
  cloche = {
    src = ./.;
    python.compilers = true;
    tests.enable = true;
  };
}
