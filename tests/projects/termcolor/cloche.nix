{
  cloche = {
    src = ./.;
    # Taken from git elsewhere (hatch-vcs); a build sees none.
    version = "3.3.0";
    tests.enable = true;
  };
}
