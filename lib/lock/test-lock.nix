# lock.nix: what it takes from a lock, and the words for each lock that cannot serve.
lib:
let
  inherit (lib) lock;
  at = folder: ./test-lock + "/${folder}";
  read = folder: lock.read (at folder + "/cloche.lock");
  fresh =
    folder:
    lock.fresh {
      lock = read folder;
      path = "cloche.lock";
      src = at folder;
    };
  select =
    more:
    lock.select (
      {
        lock = read "good";
        path = "cloche.lock";
        system = "x86_64-linux";
        python = "3.11";
      }
      // more
    );
in
{
  own = true;
  cases = {
    "lock.read" = {
      expr = (read "good").project;
      expected = "small";
    };
    "lock.pyproject" = {
      expr = (lock.pyproject (at "good")).project.name;
      expected = "small";
    };
    "lock.fresh: other tables of pyproject.toml don't matter" = {
      expr = fresh "good";
      expected = true;
    };
    "lock.select: groups" = {
      expr = (select { }).groups;
      expected = [
        "default"
        "test"
      ];
    };
    "lock.select: the union of groups, each package once, sorted" = {
      expr = (select { }).namesOf [
        "test"
        "default"
      ];
      expected = [
        "click"
        "pytest"
      ];
    };
    "lock.relevant: an empty tool table is left out" = {
      expr = lock.relevant {
        project = {
          name = "x";
          version = "1";
        };
        tool.ruff = { };
        tool.poetry.packages = [ ];
      };
      expected.project.name = "x";
    };
    "lock.relevant: the resolver's tables count" = {
      expr = lock.relevant {
        tool.uv.constraint-dependencies = [ "a<2" ];
        tool.poetry = {
          group.dev = { };
          packages = [ ];
        };
      };
      expected.tool = {
        uv.constraint-dependencies = [ "a<2" ];
        poetry.group.dev = { };
      };
    };
    "lock.relevant: so do build requirements that the user adds, and not empty tables" = {
      expr = lock.relevant {
        tool.uv = { };
        tool.cloche.build-requires.old = [ "cython" ];
      };
      expected.tool.cloche.build-requires.old = [ "cython" ];
    };
  };
  errors = {
    "lock.read: missing" = {
      expr = read "nowhere";
      message = "cloche.lock: there is no such file beside pyproject.toml; make it with 'nix run .#lock' and 'git add' it";
    };
    "lock.read: another tool's file" = {
      expr = read "foreign";
      message = "cloche.lock: this is not a Cloche lock (it has no \"version\"); make it again with 'nix run .#lock'";
    };
    "lock.read: another version" = {
      expr = read "old";
      message = "cloche.lock: the lock has format version 0, this Cloche reads 1; make it again with 'nix run .#lock', or use the Cloche that wrote it";
    };
    "lock.pyproject: missing" = {
      expr = lock.pyproject ../fixtures;
      message = "cloche.src: there is no pyproject.toml in this folder; name the project's folder, and 'git add' the file, since a flake sees only what git knows";
    };
    "lock.select: a file name that leads elsewhere" = {
      expr =
        (lock.select {
          lock = {
            sdists = [ ];
            environments.x."3".packages.evil.file = "../evil.whl";
          };
          path = "cloche.lock";
          system = "x";
          python = "3";
        }).packages.evil;
      message = "cloche.lock: \"../evil.whl\" (of evil) is not a plain file name and could lead out of the environment; make the lock again with 'nix run .#lock'";
    };
    "lock.fresh: stale" = {
      expr = fresh "stale";
      message = "cloche.lock: the lock is stale: pyproject.toml changed since it was made; run 'nix run .#lock'";
    };
    "lock.select: system" = {
      expr = (select { system = "riscv64-linux"; }).groups;
      message = "cloche.lock: nothing is locked for riscv64-linux, only for x86_64-linux; run 'nix run .#lock -- --system riscv64-linux'";
    };
    "lock.select: Python" = {
      expr = (select { python = "3.13"; }).groups;
      message = "cloche.lock: nothing is locked for Python 3.13 on x86_64-linux, only for 3.11; run 'nix run .#lock -- --python 3.13'";
    };
    "lock.select: group" = {
      expr = (select { }).namesOf [ "docs" ];
      message = ''cloche.lock: there is no dependency group "docs"; the groups are default, test'';
    };
    "lock.select: role" = {
      expr = (select { roles = [ "git" ]; }).groups;
      message = "cloche.lock: the configuration uses the roles git, but the lock does not have them; run 'nix run .#lock'";
    };
    "lock.select: sdist" = {
      expr = (select { sdists = [ "click" ]; }).groups;
      message = "cloche.lock: the configuration wants click from source, but the lock has a wheel; run 'nix run .#lock'";
    };
  };
}
