"""Somebody else's HTTP server: echoes the headers it saw, is slow, fails, redirects, or never takes the
call.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class _Stub(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path.startswith("/slow"):
            time.sleep(1.0)
        status = int(url.path.rsplit("/", 1)[1]) if url.path.startswith("/status/") else 200
        to = parse_qs(url.query).get("to")
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(302 if to else status)
        if to:
            self.send_header("location", to[0])
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def stub() -> Iterator[int]:
    """A server on every address of the loopback network; its port."""
    server = ThreadingHTTPServer(("0.0.0.0", 0), _Stub)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def full_port() -> Iterator[int]:
    """A port whose queue of connections is full, so that the next one waits for ever."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        time.sleep(0.05)
        try:
            yield listener.getsockname()[1]
        finally:
            for one in waiting:
                one.close()
