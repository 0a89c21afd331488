"""The recording: what goes in comes out, keys do not, and a reader copes with a writer at work."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path

import pytest
import zstandard

from tradewise_otel.tools.standin.recording import EncodingError, Recording, RecordingWriter

KEY = "0123456789abcdef0123456789abcdef"


def write(folder: Path, *bodies: bytes, path: str = "/api/v2/logs?x=1", **headers: str) -> None:
    """Record one request a body; `headers` with underscores."""
    writer = RecordingWriter(folder)
    for body in bodies:
        writer.write(
            "POST", path, {name.replace("_", "-"): text for name, text in headers.items()}, body, 202
        )
    writer.close()


def test_a_request_is_read_back_as_it_came(tmp_path: Path) -> None:
    """Method, path with its query, lower-cased headers, status, time and body come back."""
    write(tmp_path, b"one", b"", Content_Type="text/plain")
    first, second = Recording(tmp_path).requests()
    assert (first.number, first.method, first.path, first.route) == (
        0,
        "POST",
        "/api/v2/logs?x=1",
        "/api/v2/logs",
    )
    assert (first.status, first.headers, first.body()) == (202, {"content-type": "text/plain"}, b"one")
    assert first.t <= second.t
    assert (second.number, second.file, second.body()) == (1, None, b"")


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"text")),
        ("deflate", zlib.compress(b"text")),
        ("zstd", zstandard.ZstdCompressor(write_content_size=False).compress(b"text")),
        ("", b"text"),
    ],
    # By name: gzip's bytes hold the time, and several processes have to collect the same tests.
    ids=["gzip", "deflate", "zstd", "none"],
)
def test_bodies_are_kept_packed_and_read_unpacked(tmp_path: Path, encoding: str, packed: bytes) -> None:
    """The file has the bytes as they came; `body()` undoes gzip, deflate and zstd."""
    write(tmp_path, packed, Content_Encoding=encoding)
    (request,) = Recording(tmp_path).requests()
    assert request.raw() == packed
    assert request.body() == b"text"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "br"])
def test_a_body_that_is_not_what_it_says_is_an_error(tmp_path: Path, encoding: str) -> None:
    """A wrong or an unknown content-encoding raises EncodingError with its name."""
    write(tmp_path, b"plain text", content_encoding=encoding)
    (request,) = Recording(tmp_path).requests()
    with pytest.raises(EncodingError, match=encoding):
        request.body()


def test_keys_are_masked(tmp_path: Path) -> None:
    """Of an API key, in the header or the query, only the last four characters are on disk."""
    write(tmp_path, b"", path=f"/api/v1/validate?api_key={KEY}&a=b", DD_Api_Key=KEY)
    (request,) = Recording(tmp_path).requests()
    assert request.path == "/api/v1/validate?api_key=****cdef&a=b"
    assert request.headers["dd-api-key"] == "****cdef"
    assert not any(KEY.encode() in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_a_half_written_line_is_not_read_yet(tmp_path: Path) -> None:
    """A last line without its end is left out, and read once it is whole."""
    write(tmp_path, b"one", b"two")
    index = tmp_path / "index.jsonl"
    whole = index.read_bytes()
    index.write_bytes(whole[:-10])
    (first,) = Recording(tmp_path).requests()
    index.write_bytes(whole)
    (second,) = Recording(tmp_path).requests(after=first)
    assert (first.body(), second.body(), second.number) == (b"one", b"two", 1)


def test_a_recording_is_continued(tmp_path: Path) -> None:
    """A second writer drops the half line of one that was killed, and overwrites no body."""
    write(tmp_path, b"one", b"two")
    index = tmp_path / "index.jsonl"
    index.write_bytes(index.read_bytes()[:-10])
    write(tmp_path, b"three")
    assert [request.body() for request in Recording(tmp_path).requests()] == [b"one", b"three"]
    assert [json.loads(line)["body_file"] for line in index.read_text().splitlines()] == [
        "bodies/000000.bin",
        "bodies/000002.bin",
    ]


def test_a_folder_without_a_recording_has_no_requests(tmp_path: Path) -> None:
    """Reading before anything was written gives nothing."""
    assert list(Recording(tmp_path / "none").requests()) == []
