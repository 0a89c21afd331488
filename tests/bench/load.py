"""The load: `wrk` where it is installed, else eight connections of our own; and the sink's side."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
import time

CONNECTIONS = 8


def drive(port: int, path: str, seconds: float) -> int:
    """Requests answered within `seconds`."""
    wrk = shutil.which("wrk")
    if wrk is None:
        return asyncio.run(_drive(port, path, seconds))
    command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", f"http://127.0.0.1:{port}{path}"]
    found = re.search(
        r"(\d+) requests in", subprocess.run(command, capture_output=True, text=True, check=True).stdout
    )
    return int(found.group(1)) if found else 0


async def _drive(port: int, path: str, seconds: float) -> int:
    ends = time.monotonic() + seconds
    return sum(await asyncio.gather(*(_connection(port, path, ends) for _ in range(CONNECTIONS))))


async def _connection(port: int, path: str, ends: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answered = 0
    while time.monotonic() < ends:
        await ask(reader, writer, path)
        answered += 1
    writer.close()
    return answered


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> None:
    """One request on an open connection, and its whole answer."""
    writer.write(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: bench\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head, re.I)
    await reader.readexactly(int(length.group(1)) if length else 0)


async def serve(port: int) -> None:
    """A door that answers every request at once: the exporters' sink and the bot."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await _skip_body(reader, head)
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
                )
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", port, limit=1 << 26) as server:
        await server.serve_forever()


async def _skip_body(reader: asyncio.StreamReader, head: bytes) -> None:
    length = re.search(rb"content-length: *(\d+)", head, re.I)
    if length:
        await reader.readexactly(int(length.group(1)))
        return
    if b"chunked" in head.lower():
        while (size := int((await reader.readline()).split(b";")[0], 16)) >= 0:
            await reader.readexactly(size + 2)
            if size == 0:
                return


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
