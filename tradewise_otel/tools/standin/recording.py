"""The recording: the one on-disk format of what a sender said to Datadog's intake, and what it was answered.

A recording is a folder. `index.jsonl` has one JSON object a request, in the order of their answers: `t` (unix
seconds), `method`, `path` (with its query), `headers` (names in lower case), `status` (what was answered, 0
for no answer) and `body_file` (below the folder, or "" for no body). `bodies/NNNNNN.bin` are the bytes as
they came, still compressed. API keys are masked in the index; bodies are never altered.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard

INDEX = "index.jsonl"
BODIES = "bodies"
KEY_HEADER = "dd-api-key"

_KEY_IN_QUERY = re.compile(r"(?<=[?&]api_key=)[^&]*")


class EncodingError(ValueError):
    """A body whose `content-encoding` is unknown, or that is not what it says."""


@dataclass(frozen=True)
class Request:
    """One recorded request.

    Attributes:
        number: its place in the recording, from 0.
        t: when it was answered, unix seconds.
        path: path and query, as sent.
        headers: names in lower case.
        status: what was answered; 0: the connection was cut, or hung.
        file: where the raw body is, or `None` for an empty one.
        end: where its index line ends, in bytes; `Recording.requests` goes on from there.
    """

    number: int
    t: float
    method: str
    path: str
    headers: Mapping[str, str]
    status: int
    file: Path | None
    end: int

    @property
    def route(self) -> str:
        """The path without its query."""
        return self.path.partition("?")[0]

    def raw(self) -> bytes:
        """The body as it came."""
        return self.file.read_bytes() if self.file else b""

    def body(self) -> bytes:
        """The body, decompressed.

        Raises:
            EncodingError: see `decompress`.
        """
        return decompress(self.raw(), self.headers.get("content-encoding", ""))


class Recording:
    """Reads a recording, also while it is being written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def requests(self, after: Request | None = None) -> Iterator[Request]:
        """The requests in order, or only those behind `after`, without a last line that is half written."""
        index = self._folder / INDEX
        if not index.is_file():
            return
        number, end = (after.number + 1, after.end) if after else (0, 0)
        with index.open("rb") as lines:
            lines.seek(end)
            for line in lines:
                if not line.endswith(b"\n"):
                    return
                end += len(line)
                yield self._request(number, json.loads(line), end)
                number += 1

    def _request(self, number: int, entry: dict[str, Any], end: int) -> Request:
        file = entry.pop("body_file")
        return Request(number=number, end=end, file=self._folder / file if file else None, **entry)


class RecordingWriter:
    """Writes a recording; many threads may. A recording that is there already is continued."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / BODIES).mkdir(parents=True, exist_ok=True)
        _drop_half_line(folder / INDEX)
        self._index = (folder / INDEX).open("ab")
        self._lock = threading.Lock()
        self._next = max((int(file.stem) for file in (folder / BODIES).glob("*.bin")), default=-1) + 1

    def write(self, method: str, path: str, headers: Mapping[str, str], body: bytes, status: int) -> None:
        """Record one request, before it is answered. When this returns, readers see it.

        Args:
            path: with its query.
            body: as it came.
            status: what it is going to be answered, 0 for no answer.
        """
        lowered = {name.lower(): value for name, value in headers.items()}
        entry = {
            "t": time.time(),
            "method": method,
            "path": _KEY_IN_QUERY.sub(lambda found: masked(found[0]), path),
            "headers": {n: masked(v) if n == KEY_HEADER else v for n, v in lowered.items()},
            "status": status,
            # The body first: who sees the line may open it.
            "body_file": self._write_body(body) if body else "",
        }
        line = json.dumps(entry).encode() + b"\n"
        with self._lock:
            self._index.write(line)
            self._index.flush()

    def close(self) -> None:
        """Close the index; the recording stays."""
        self._index.close()

    def _write_body(self, body: bytes) -> str:
        with self._lock:
            number, self._next = self._next, self._next + 1
        name = f"{BODIES}/{number:06}.bin"
        (self._folder / name).write_bytes(body)
        return name


def masked(key: str) -> str:
    """An API key fit to be kept: stars and its last four characters."""
    return f"****{key[-4:]}" if len(key) > 4 else "****"


def decompress(body: bytes, encoding: str) -> bytes:
    """A body without its `content-encoding`: gzip, deflate, zstd, or none.

    Raises:
        EncodingError: another encoding, or bytes that are not in this one.
    """
    try:
        if encoding in ("", "identity"):
            return body
        if encoding == "gzip":
            return gzip.decompress(body)
        if encoding == "deflate":
            return zlib.decompress(body)
        if encoding == "zstd":
            # A stream: senders need not say the size in the frame's header.
            return (
                zstandard.ZstdDecompressor().stream_reader(io.BytesIO(body), read_across_frames=True).read()
            )
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise EncodingError(f"the body is not {encoding}: {error}") from error
    raise EncodingError(f"unknown content-encoding {encoding!r}")


def _drop_half_line(index: Path) -> None:
    # Left by a writer that was killed; what follows would become part of it.
    if index.is_file():
        whole = index.read_bytes()
        with index.open("r+b") as file:
            file.truncate(whole.rfind(b"\n") + 1)
