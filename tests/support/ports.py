"""Free loopback ports that stay free while the program that had one is restarted."""

import random
import socket

_taken: set[int] = set()


def free_ports(count: int) -> list[int]:
    """Ports below the range from which the kernel takes those of outgoing connections."""
    found: list[int] = []
    for port in random.sample(range(17000, 32000), 15000):
        if len(found) == count:
            return found
        if port in _taken:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _taken.add(port)
        found.append(port)
    raise RuntimeError(f"there are no {count} free ports")


def free_port() -> int:
    return free_ports(1)[0]


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
