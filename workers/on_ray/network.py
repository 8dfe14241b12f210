"""This host's addresses, as its neighbours in the cluster know them. Knows no ranks."""

import fcntl
import socket
import struct
from typing import Any

_SIOCGIFADDR = 0x8915
_NAME_BYTES = 15


def own_address() -> str:
    """By which the cluster's other hosts reach this one."""
    import ray

    untyped: Any = ray.util
    address: str = untyped.get_node_ip_address()
    return address


def open_port(host: str) -> int:
    """Free a moment ago."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def interface_of(address: str) -> str | None:
    """The network interface that has this IPv4 address."""
    return next((name for _, name in socket.if_nameindex() if _address_of(name) == address), None)


def _address_of(interface: str) -> str | None:
    request = struct.pack("256s", interface.encode()[:_NAME_BYTES])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            answer = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, request)
        except OSError:  # it has none
            return None
    return socket.inet_ntoa(answer[20:24])
