"""Refuses at once what would fail later and further away.

The checks happen before the binary starts, because the Collector itself names neither the setting nor the
remedy when a port is taken, a folder is read-only or a key is missing.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import ipaddress
import os
import re
import socket
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from tradewise_otel.tools.collector.config import ADDRESSES, CollectorError, Role, data_dir, without_blanks
from tradewise_otel.tools.collector.settings import ROWS

_URLS = (
    "TRADEWISE_DD_OTLP_URL",
    "TRADEWISE_DD_TRACES_URL",
    "TRADEWISE_DD_METRICS_URL",
    "TRADEWISE_DD_LOGS_URL",
    "TRADEWISE_AGENT_URL",
    "TRADEWISE_GATEWAY_URL",
)
_FILES = ("TRADEWISE_TLS_CERT", "TRADEWISE_TLS_KEY", "TRADEWISE_TLS_CLIENT_CA", "TRADEWISE_GATEWAY_CA")
_SECRETS = ("DD_API_KEY", "TRADEWISE_TOKEN")
_WHOLE_NUMBERS = {
    "TRADEWISE_MEMORY_MIB": 1,
    # One batch: a queue that cannot hold it is refused by the exporter, in words of its own.
    "TRADEWISE_QUEUE_BYTES": 524288,
    "TRADEWISE_PROMETHEUS_PORT": 1,
    "TRADEWISE_SELF_EVERY_MS": 1,
}
_LEVELS = ("none", "basic", "normal", "detailed")
_PORTS = range(1, 65536)
_WITHOUT_OTLP_INTAKE = ("ddog-gov.com", "us2.ddog-gov.com")


def check_to_run(role: Role, environ: Mapping[str, str]) -> None:
    """Check all that a start needs; makes the data folder, for its owner only.

    Raises:
        CollectorError: all problems at once, each naming its setting and the remedy.
    """
    environ = without_blanks(environ)
    problems = [*_setting_problems(role, environ), *_address_problems(role, environ)]
    _refuse([*problems, *_data_dir_problems(data_dir(environ))])


def check_to_read(role: Role, environ: Mapping[str, str]) -> None:
    """Check what the layers need to be read at all, as `validate` does; touches neither disk nor network.

    Raises:
        CollectorError: all problems at once, each naming its setting and the remedy.
    """
    _refuse(list(_setting_problems(role, without_blanks(environ))))


def _refuse(problems: list[str]) -> None:
    if problems:
        raise CollectorError("\n".join(problems))


def _setting_problems(role: Role, environ: Mapping[str, str]) -> Iterator[str]:
    meanings = {row.env: row.doc for row in ROWS}
    for name in role.needs:
        if name not in environ:
            yield f"{name} is not set; role {role.name} needs it: {meanings[name]}"
        # Goes into a header, which takes no other characters. Never shown: this may end in somebody's log.
        elif name in _SECRETS and not re.fullmatch(r"[!-~]+", environ[name]):
            yield f"{name} has a space, a line end or a letter beyond ASCII in it; set it to the bare text"
    for name, least in _WHOLE_NUMBERS.items():
        number = environ.get(name, str(least))
        if not re.fullmatch(r"\d{1,15}", number) or int(number) < least:
            yield f"{name}={number}: must be a whole number of at least {least}"
    for name in _URLS:
        if (url := environ.get(name)) and not _is_url(url):
            yield f"{name}={url}: must be http://host:port or https://host, and nothing after it"
    if (level := environ.get("TRADEWISE_SELF_METRICS", "normal")) not in _LEVELS:
        yield f"TRADEWISE_SELF_METRICS={level}: must be one of {', '.join(_LEVELS)}"
    yield from _rate_problems(environ.get("TRADEWISE_SAMPLE_RATE", "1"))
    yield from _site_problems(role, environ)


def _is_url(text: str) -> bool:
    # The layers put the path behind it, so even a slash at the end would make another address.
    found = re.fullmatch(r"https?://([\w.-]+|\[[0-9a-fA-F:.]+\])(?::(\d{1,5}))?", text, re.ASCII)
    return found is not None and int(found[2] or 1) in _PORTS


def _rate_problems(rate: str) -> Iterator[str]:
    # The layer pastes the text into a statement, so only plain decimals are safe there.
    if not re.fullmatch(r"0(\.\d+)?|1(\.0+)?", rate):
        yield f"TRADEWISE_SAMPLE_RATE={rate}: must be a plain number from 0 to 1, such as 0.1"


def _site_problems(role: Role, environ: Mapping[str, str]) -> Iterator[str]:
    site = environ.get("DD_SITE", "")
    if site and not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", site):
        yield f"DD_SITE={site}: must be a Datadog site such as datadoghq.com or datadoghq.eu, without https://"
    by_exporter = any(path.name == "datadog-exporter-only.yaml" for path in role.files)
    if site in _WITHOUT_OTLP_INTAKE and "DD_API_KEY" in role.needs and not by_exporter:
        yield f"DD_SITE={site} has no OTLP intake: use --overlay datadog-exporter-only"


def _address_problems(role: Role, environ: Mapping[str, str]) -> Iterator[str]:
    taken: dict[str, str] = {}
    for name, default in ADDRESSES.items():
        if name == "TRADEWISE_READY" and role.name == "laptop":
            # Its files are no intake: it does not listen there.
            continue
        address = environ.get(name, default)
        if problem := _open_problem(role, name, address) or _listen_problem(name, address):
            yield problem
        elif address in taken:
            yield f"{name}={address}: {taken[address]} has the same; set {name} to a free host:port"
        taken.setdefault(address, name)
    for name in _FILES:
        if (path := environ.get(name)) and not (os.path.isfile(path) and os.access(path, os.R_OK)):
            yield f"{name}={path}: no such file, or not readable; set it to a PEM file"


def _open_problem(role: Role, name: str, address: str) -> str:
    """What arrives at the OTLP doors is not redacted yet, so beyond loopback they have a lock."""
    if _is_loopback(address.rpartition(":")[0]):
        return ""
    if name == "TRADEWISE_SELF":
        return f"{name}={address}: must be on loopback, or others could make up this Collector's own metrics"
    if "OTLP" not in name or "TRADEWISE_TOKEN" in role.needs:
        return ""
    way = "add --overlay secure" if role.name == "gateway" else "use --role gateway --overlay secure"
    return f"{name}={address}: beyond loopback it needs TLS and a token; {way}, or listen on 127.0.0.1"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _listen_problem(name: str, address: str) -> str:
    host, _, port = address.rpartition(":")
    if not re.fullmatch(r"\d{1,5}", port) or int(port) not in _PORTS:
        return f"{name}={address}: must be host:port, such as {ADDRESSES[name]}"
    try:
        _try_to_listen(host.strip("[]"), int(port))
    except (OSError, UnicodeError) as error:
        # UnicodeError: what cannot be a host name at all.
        return f"{name}={address}: {_listen_reason(error)}; set {name} to a free host:port"
    return ""


def _listen_reason(error: OSError | UnicodeError) -> str:
    if isinstance(error, UnicodeError):
        return "no host name"
    return "the port is in use" if error.errno == errno.EADDRINUSE else _reason(error)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _try_to_listen(host: str, port: int) -> None:
    family, kind, _, _, address = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind) as probe:
        # As Go listens: a port in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        probe.listen(1)


def _data_dir_problems(folder: Path) -> Iterator[str]:
    # The queue's own folder may be there already, from another user.
    for place in (folder, folder / "queue"):
        if place == folder or place.exists():
            try:
                place.mkdir(mode=0o700, parents=True, exist_ok=True)
                with tempfile.TemporaryFile(dir=place):
                    pass
            except OSError as error:
                where = "" if place == folder else f"{place.name} in it: "
                problem = f"{where}{_reason(error)}; set it to a folder you may write to"
                yield f"TRADEWISE_DATA_DIR={folder}: {problem}"
    if _has_owner(folder / "queue"):
        remedy = "stop that one, or set it to a folder of its own"
        yield f"TRADEWISE_DATA_DIR={folder}: another Collector uses it; {remedy}"


def _has_owner(queue: Path) -> bool:
    """Whether a Collector that runs holds a file of the queue; it locks each of them for as long."""
    for path in queue.glob("exporter_*"):
        with contextlib.suppress(PermissionError), path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
    return False
