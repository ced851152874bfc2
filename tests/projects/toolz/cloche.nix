{
  cloche = {
    src = ./.;
    tests = {
      enable = true;
      arguments = [ "--pyargs" "toolz" "tlz" ];
    };
  };
}
