"""A loopback HTTP listener that can be closed for good at once: the port, and every connection with it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tradewise_otel.tools.standin.intake import Answer

Take = Callable[[str, str, dict[str, str], bytes], Answer | None]
"""(method, path with query, headers in lower case, raw body) to an answer; status 0 cuts, `None` hangs."""

CLOSE_SECONDS = 5.0


class Listener:
    """Listens on 127.0.0.1 from its creation until `close`, with keep-alive.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, port: int, take: Take) -> None:
        self._connections = _Connections()
        self._server = _Server(("127.0.0.1", port), _handler(take, self._connections))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Refuse new connections, let answers that are being given out, then cut every connection."""
        self._server.shutdown()
        self._server.server_close()
        self._connections.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A thread may hang on purpose; `close` cuts its connection instead of waiting for it.
    block_on_close = False
    request_queue_size = 128


class _Connections:
    """The open connections, and whether they may still be answered."""

    def __init__(self) -> None:
        self._open: set[socket.socket] = set()
        self._busy = 0
        self._changed = threading.Condition()
        self.closed = threading.Event()

    @contextlib.contextmanager
    def kept(self, connection: socket.socket) -> Iterator[None]:
        """Cut this connection when all are closed, also if that was between its start and now."""
        with self._changed:
            self._open.add(connection)
            if self.closed.is_set():
                connection.shutdown(socket.SHUT_RDWR)
        try:
            yield
        finally:
            with self._changed:
                self._open.discard(connection)

    @contextlib.contextmanager
    def answering(self) -> Iterator[bool]:
        """While the block runs nothing is cut; False: too late, do not answer.

        What is recorded as answered must have been answered, or a sender's second try looks like a duplicate.
        """
        with self._changed:
            may = not self.closed.is_set()
            self._busy += may
        try:
            yield may
        finally:
            with self._changed:
                self._busy -= may
                self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self.closed.set()
            self._changed.wait_for(lambda: self._busy == 0, CLOSE_SECONDS)
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


def _handler(take: Take, connections: _Connections) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # One packet an answer: head and body apart wait for the client's delayed acknowledgement.
        wbufsize = -1

        def handle(self) -> None:
            # A client that went away is no news; any other error is printed.
            with contextlib.suppress(OSError), connections.kept(self.connection):
                super().handle()

        def do_GET(self) -> None:
            body = self._read()
            with connections.answering() as may:
                headers = {name.lower(): value for name, value in self.headers.items()}
                reply = take(self.command, self.path, headers, body) if may else Answer(0)
                if reply and reply.status:
                    self._send(reply)
                    return
            self.close_connection = True
            if reply is None:
                connections.closed.wait()

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

        def _read(self) -> bytes:
            if self.headers.get("transfer-encoding", "").lower() == "chunked":
                return b"".join(self._chunks())
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length)
            if len(body) < length:
                raise ConnectionError("the sender went away within its request")
            return body

        def _chunks(self) -> Iterator[bytes]:
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass

        def _send(self, reply: Answer) -> None:
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)
            self.wfile.flush()

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler
