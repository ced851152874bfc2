{
  cloche = {
    src = ./.;
    roles = [ "cc" ];
    tests.enable = true;
  };
}
