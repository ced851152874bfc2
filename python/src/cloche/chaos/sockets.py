"""Sockets, TLS and name resolution. Faults of the types network, timeout and resource."""

import socket
from types import ModuleType
from typing import Any

from .faults import Fault, system_error
from .injection import strike
from .limits import NO_DESCRIPTORS, limited
from .patching import Patches, Wrapper

RESOLVING = (
    Fault("network", "EAI_AGAIN", lambda: socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")),
    Fault("network", "EAI_NONAME", lambda: socket.gaierror(socket.EAI_NONAME, "Name or service not known")),
)
RESET = system_error("network", "ECONNRESET")
CONNECTING = (
    system_error("network", "ECONNREFUSED"),
    system_error("network", "ENETUNREACH"),
    system_error("network", "ETIMEDOUT"),
)
SENDING = (system_error("network", "EPIPE"), RESET)
CLOSED = Fault("network", "closed by peer")
RECEIVING = (RESET, CLOSED)
# Where the end of the stream can't be told apart from an empty message.
RECEIVING_MESSAGES = (RESET,)
ACCEPTING = (system_error("network", "ECONNABORTED"),)
# What a socket with a time-out raises when it is over.
TIMED_OUT = Fault("timeout", "timed out", lambda: TimeoutError("timed out"))

OPERATIONS = {
    "connect": CONNECTING,
    "send": SENDING,
    "sendall": SENDING,
    "sendto": SENDING,
    "sendmsg": SENDING,
    "recv": RECEIVING,
    "recv_into": RECEIVING,
    "recvfrom": RECEIVING_MESSAGES,
    "recvfrom_into": RECEIVING_MESSAGES,
    "recvmsg": RECEIVING_MESSAGES,
    "accept": ACCEPTING,
}


def install(patches: Patches) -> None:
    """Wrap the operations on sockets."""
    if patches.types & {"network", "timeout"}:
        for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
            patches.replace(socket, name, _resolve(name))
        for name, faults in OPERATIONS.items():
            patches.replace(socket.socket, name, _operate(name, faults))
        patches.replace(socket.socket, "connect_ex", _connect_ex)
        patches.when_imported("ssl", lambda module: _install_tls(patches, module))
    if "resource" in patches.types:
        patches.replace(socket.socket, "__init__", _create)


def _install_tls(patches: Patches, module: ModuleType) -> None:
    # The others of its methods use these.
    for name, faults in (("do_handshake", (RESET,)), ("read", (RESET,)), ("send", SENDING)):
        patches.replace(module.SSLSocket, name, _operate(f"ssl.{name}", faults))


def _operate(name: str, faults: tuple[Fault, ...]) -> Any:
    operation = name if name.startswith("ssl.") else f"socket.{name}"

    def make(original: Any) -> Wrapper:
        def wrapper(self: socket.socket, *arguments: Any, **keywords: Any) -> Any:
            possible = faults
            if self.gettimeout():
                possible = (*faults, TIMED_OUT)
            elif self.type != socket.SOCK_STREAM and CLOSED in faults:
                possible = RECEIVING_MESSAGES
            if strike(operation, possible) is CLOSED:
                return b"" if name == "recv" else 0
            return original(self, *arguments, **keywords)

        return wrapper

    return make


def _connect_ex(original: Any) -> Wrapper:
    def wrapper(self: socket.socket, address: Any) -> Any:
        try:
            strike("socket.connect_ex", CONNECTING)
        except OSError as error:
            return error.errno
        return original(self, address)

    return wrapper


def _create(original: Any) -> Wrapper:
    def wrapper(self: socket.socket, *arguments: Any, **keywords: Any) -> None:
        # A descriptor that is there already needs no other.
        there = keywords.get("fileno") is not None or (len(arguments) > 3 and arguments[3] is not None)  # noqa: PLR2004
        with limited(None if there else strike("socket.socket", (NO_DESCRIPTORS,))):
            original(self, *arguments, **keywords)

    return wrapper


def _resolve(name: str) -> Any:
    def make(original: Any) -> Wrapper:
        def wrapper(host: Any, *arguments: Any, **keywords: Any) -> Any:
            if host and not _is_address(host):
                strike(f"socket.{name}", RESOLVING)
            return original(host, *arguments, **keywords)

        return wrapper

    return make


def _is_address(host: str | bytes) -> bool:
    """Return whether a host is an address already, which nobody is asked about."""
    text = host.decode(errors="replace") if isinstance(host, bytes) else host
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, text.partition("%")[0])
        except (OSError, ValueError):
            continue
        return True
    return False
