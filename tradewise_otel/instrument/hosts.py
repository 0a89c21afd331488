"""Which hosts a call goes to: the bot hosts, and those that may see our correlation headers (contract 5)."""

from __future__ import annotations

import fnmatch
import functools
import ipaddress
from collections.abc import Sequence

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class HostList:
    """A list of host names, `*.suffix` patterns, addresses and CIDR ranges.

    Args:
        patterns: as in the settings; what is no address or range is a name pattern.
        private: also holds every literal private or loopback address, and `localhost`.
    """

    def __init__(self, patterns: Sequence[str], private: bool = False) -> None:
        self._private = private
        self._networks = [network for pattern in patterns if (network := _network(pattern)) is not None]
        self._names = [pattern.lower() for pattern in patterns if _network(pattern) is None]
        # An instance's own cache: a method cache would keep every list alive.
        self.holds = functools.lru_cache(maxsize=1024)(self._holds)

    def _holds(self, host: str) -> bool:
        host = host.lower().strip("[]")
        address = _address(host)
        if "*" in self._names:
            return True
        if address is not None:
            return self._is_private(address) or any(address in network for network in self._networks)
        if self._private and host == "localhost":
            return True
        return any(fnmatch.fnmatchcase(host, name) for name in self._names)

    def _is_private(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
        return self._private and (address.is_private or address.is_loopback)


def _network(pattern: str) -> Network | None:
    try:
        return ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        return None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    # `::ffff:8.8.8.8` is that IPv4 host; older Pythons call the whole mapped range private.
    return getattr(address, "ipv4_mapped", None) or address
