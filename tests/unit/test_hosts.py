"""Which hosts a list holds: names, wildcards, addresses, ranges, and nothing that only looks like one of
them.
"""

from __future__ import annotations

import pytest

from tradewise_otel.instrument.hosts import HostList

PATTERNS = ("bots.example", "*.fleet.example", "203.0.113.7", "198.51.100.0/24", "2001:db8::/32")


@pytest.mark.parametrize(
    "host",
    [
        "bots.example",
        "BOTS.Example",
        "a.fleet.example",
        "a.b.fleet.example",
        "203.0.113.7",
        "198.51.100.255",
        "2001:db8::1",
        "[2001:db8::1]",
        "::ffff:203.0.113.7",
    ],
)
def test_listed_hosts_are_held(host: str) -> None:
    """Names in any case, subdomains of a wildcard, addresses and members of a range are held."""
    assert HostList(PATTERNS).holds(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "example",
        "xbots.example",
        "bots.example.evil.example",
        "fleet.example",
        "203.0.113.70",
        "203.0.113",
        "198.51.101.0",
        "198.51.100.0/24",
        "2001:db9::1",
        "127.0.0.1",
        "localhost",
        "10.0.0.1",
    ],
)
def test_other_hosts_are_not(host: str) -> None:
    """What is not listed is not held, and private addresses only where they are asked for."""
    assert not HostList(PATTERNS).holds(host)


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "127.0.0.1",
        "127.8.9.10",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "::1",
        "[::1]",
        "fd00::1",
        "::ffff:10.0.0.1",
    ],
)
def test_private_lists_hold_literal_private_and_loopback_addresses(host: str) -> None:
    """With `private` every literal private or loopback address is held, and `localhost`."""
    assert HostList((), private=True).holds(host)


@pytest.mark.parametrize(
    "host",
    [
        "8.8.8.8",
        "172.32.0.1",
        "::ffff:8.8.8.8",
        "[::ffff:8.8.8.8]",
        "2606:4700::1",
        "127.0.0.1.nip.example",
        "localhost.example",
        "10.0.0.1.example",
        "2130706433",
        "0x7f.1",
        "127.1",
        "internal",
    ],
)
def test_private_lists_do_not_hold_names_and_public_addresses(host: str) -> None:
    """Names that may resolve to an inner address, odd spellings, mapped public addresses are not held."""
    assert not HostList((), private=True).holds(host)


def test_a_star_holds_everything() -> None:
    """`*` stands for every named host, as the setting's description says."""
    assert HostList(("*",)).holds("anything.example")
    assert HostList(("*",)).holds("8.8.8.8")
