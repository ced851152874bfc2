"""The user's package indexes, as the toolchain's pinned pip sees them."""

import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

from cloche.fetch.session import AnswerError, guard
from cloche.fetch.sources import FetchError, Source

# Where distributions keep the certificates of authorities: Debian and the sandbox, Fedora, openSUSE, Alpine.
CERTIFICATES = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
]


class Index:
    """The user's package indexes, as the pinned pip sees them. One session per thread."""

    def __init__(self) -> None:
        self.local = threading.local()
        # A virtual environment's own pip.conf is found by its prefix; the toolchain's Python has another one.
        sys.prefix = os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX") or sys.prefix

    def _open(self) -> tuple[Any, Any]:
        if not hasattr(self.local, "opened"):
            from pip._internal.exceptions import PipError

            try:
                self.local.opened = self._start()
            except (PipError, SystemExit) as error:
                raise FetchError(
                    f"pip cannot be started with this configuration (see `pip config list`): {error}"
                ) from None
        opened: tuple[Any, Any] = self.local.opened
        return opened

    @staticmethod
    def _start() -> tuple[Any, Any]:
        import logging

        from pip._internal.commands import create_command

        # pip would warn of every index that lacks a project; what matters is told when all have been asked.
        logging.getLogger("pip").setLevel(logging.ERROR)
        command: Any = create_command("download")
        options, _ = command.parse_args(["--no-input", "--disable-pip-version-check", "--no-cache-dir"])
        # The pinned pip is Debian's, which knows no certificates but the host's, at Debian's place.
        options.cert = options.cert or next(
            filter(os.path.exists, [os.environ.get("NIX_SSL_CERT_FILE", ""), *CERTIFICATES]), None
        )
        command.main_context().__enter__()
        session = guard(command._build_session(options))  # noqa: SLF001
        return session, command._build_package_finder(options, session)  # noqa: SLF001

    def session(self) -> Any:  # noqa: ANN401  pip's own session type
        """Return a session with the user's proxies, certificates and credentials."""
        return self._open()[0]

    def links(self, source: Source) -> Iterator[str]:
        """Yield the addresses of files that have the source's name, in the order of the user's indexes."""
        from pip._internal.index.collector import parse_links

        _, finder = self._open()
        collector = finder._link_collector  # noqa: SLF001

        def links_of_page(address: Any) -> list[Any]:  # noqa: ANN401  pip's Link
            try:
                page = collector.fetch_response(address)
            except AnswerError as error:
                self.refused().append(str(error))
                return []
            return [] if page is None else list(parse_links(page))

        found = collector.collect_sources(source.name, candidates_from_page=links_of_page)
        for place in [*found.index_urls, *found.find_links]:
            if place is None:
                continue
            for link in [*place.page_candidates(), *place.file_links()]:
                other = link.hash_name == "sha256" and link.hash != source.sha256
                if link.filename == source.file and not other:
                    yield link.url_without_fragment

    def refused(self) -> list[str]:
        """Return why pages of indexes were not believed, in this thread."""
        if not hasattr(self.local, "refused"):
            self.local.refused = []
        found: list[str] = self.local.refused
        return found

    def configured(self) -> str:
        """Return how many indexes and find-links there are, without naming them: addresses can hold passwords."""
        _, finder = self._open()
        collector = finder._link_collector  # noqa: SLF001
        return f"{len(collector.search_scope.index_urls)} indexes and {len(collector.find_links)} find-links of pip's configuration"
