"""Bring the sources of a lock into the Nix store, with the user's own pip and apt configuration.

Runs outside the sandbox, as the user, on the toolchain's Python. What an index page is, how it is reached, and with
which credentials, is pip's business: the toolchain's pinned pip (its wheel is put on sys.path) reads the user's
configuration, environment and netrc, and parses the pages. So its internals are used, which is sound only because its
version is pinned by hash with the toolchain. An sdist is a file like any other here, and is never executed.

Exit codes: 0 all sources are in the store, 1 a file does not have the lock's hash, 2 bad arguments or lock, 3 an index,
mirror or archive cannot be reached or lacks a file.
"""
