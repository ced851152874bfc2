# Passes when the tests that need a PostgreSQL server pass: the telemetry's and those of its faults. The server is
# started for them, on a Unix socket, by the build's user.
{ toolchain }:
{
  # With pytest and what they build on.
  environment,
}:
toolchain.runBash {
  name = "cloche-postgresql";
  inherit environment;
  postgresql = toolchain.roles.postgresql;
  tests = import ../../pkgs/python/source-tree.nix {
    path = ../../python;
    name = "postgresql-tests";
    exclude = [
      "cloche.lock"
      "src"
    ];
  };
  path = [
    environment
    toolchain.roles.git
  ];
  script = ''
    programs=$(echo $postgresql/usr/lib/postgresql/*/bin)
    # Where Debian's server looks for time zones.
    mkdir -p /usr/share
    ln -s $TZDIR /usr/share/zoneinfo
    export TZ=UTC
    $programs/initdb --pgdata=$PWD/data --auth=trust --username=cloche --locale=C.UTF-8 --no-sync \
      --no-instructions > initdb.log || { cat initdb.log; exit 1; }
    mkdir socket
    # No port; and nothing of it outlives the build. LLVM, which its JIT needs, is not in the role.
    $programs/pg_ctl --pgdata=$PWD/data --wait --log=server.log start \
      --options="-c listen_addresses= -c unix_socket_directories=$PWD/socket -c jit=off -c fsync=off" ||
      { cat server.log; exit 1; }
    cp -R $tests python
    chmod -R u+w python
    export CLOCHE_POSTGRESQL="postgresql://cloche@/postgres?host=$PWD/socket"
    if pytest -p no:cacheprovider -c python/pyproject.toml --rootdir python \
      python/tests/test_telemetry.py python/tests/test_chaos_postgresql.py > words
    then ended=0; else ended=$?; fi
    cat words
    $programs/pg_ctl --pgdata=$PWD/data --mode=fast stop
    # A skipped test would be the server's.
    if grep -E '^SKIPPED.*PostgreSQL' words; then ended=1; fi
    [ $ended = 0 ]
    cp words $out
    exit 0
  '';
}
