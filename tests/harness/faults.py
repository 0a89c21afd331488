"""Makes functions of the distribution raise inside a running app, one after the other, and mends them.

An app under test calls `serve()`: a thread of its own, outside all instrumentation, takes orders over HTTP.
A function is broken by its code object, so that bound methods, wrappers and closures that were handed out
before raise as well, and those that are made later too.
"""

from __future__ import annotations

import functools
import gc
import http.server
import importlib
import inspect
import json
import pkgutil
import threading
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

ROOMS = ("tradewise_otel.instrument", "tradewise_otel.record", "tradewise_otel.out")
raised: list[str] = []
"""Names of the broken functions, once for each time that one was called."""


def targets() -> dict[str, CodeType]:
    """Every function, method and nested function of the rooms, by name."""
    found: dict[str, CodeType] = {}
    for room in ROOMS:
        for info in pkgutil.iter_modules(importlib.import_module(room).__path__, f"{room}."):
            module = importlib.import_module(info.name)
            for name, function in _functions(vars(module), info.name):
                _add(found, f"{info.name}:{name}", function.__code__)
    return found


def _functions(namespace: Any, module: str) -> Iterator[tuple[str, FunctionType]]:
    for name, value in list(namespace.items()):
        function = getattr(value, "__func__", getattr(value, "fget", value))
        if isinstance(function, FunctionType) and function.__module__ == module:
            yield name, function
        elif isinstance(value, type) and value.__module__ == module:
            yield from ((f"{name}.{inner}", f) for inner, f in _functions(vars(value), module))


def _add(found: dict[str, CodeType], name: str, code: CodeType) -> None:
    found[name] = code
    for inner in code.co_consts:
        # Comprehensions are part of their function, lambdas are functions.
        if isinstance(inner, CodeType) and (inner.co_name[0] != "<" or inner.co_name == "<lambda>"):
            _add(found, f"{name}.{inner.co_name.strip('<>')}{inner.co_firstlineno}", inner)


def broken(name: str, code: CodeType) -> CodeType:
    """A code object for the same place that raises, and notes that it did."""
    cells = [f"cell{number}" for number in range(len(code.co_freevars))]
    kind = "async def" if code.co_flags & inspect.CO_COROUTINE else "def"
    source = f"""
def outer():
    {" = ".join([*cells, "None"])}
    {kind} inner(*args, **kwargs):
        __import__("sys").modules["harness.faults"].raised.append({name!r})
        raise RuntimeError("a planted fault")
        {", ".join(cells)}
    return inner
"""
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    return namespace["outer"]().__code__  # type: ignore[no-any-return]


def swap(old: CodeType, new: CodeType) -> None:
    """Puts `new` in the place of `old` in every function alive, and in those that make such functions."""
    affected = [code for code in targets().values() if _swapped(code, old, new) is not code]
    for function in gc.get_referrers(*affected):
        if isinstance(function, FunctionType):
            function.__code__ = _swapped(function.__code__, old, new)


def _swapped(code: CodeType, old: CodeType, new: CodeType) -> CodeType:
    if code is old:
        return new
    inner = [_swapped(item, old, new) if isinstance(item, CodeType) else item for item in code.co_consts]
    changed = any(a is not b for a, b in zip(inner, code.co_consts, strict=True))
    return code.replace(co_consts=tuple(inner)) if changed else code


class _Orders(http.server.BaseHTTPRequestHandler):
    """`/targets`, `/break/NAME`, `/mend`; anything else is a peer that the app may call."""

    mend: Any = staticmethod(lambda: None)

    def do_GET(self) -> None:
        """Answers with JSON."""
        order, _, name = self.path.lstrip("/").partition("/")
        body = json.dumps(self._obey(order, name)).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _obey(self, order: str, name: str) -> Any:
        if order == "targets":
            return sorted(targets())
        if order == "break":
            # Counted before it breaks: threads of ours run on, and may meet the fault at once.
            so_far = _figures()
            code = targets()[name]
            fault = broken(name, code)
            type(self).mend = staticmethod(lambda: swap(fault, code))
            swap(code, fault)
            return so_far
        if order == "mend":
            type(self).mend()
            return _figures()
        return "a peer"

    def log_message(self, *args: object) -> None:
        """Nothing: stdout and stderr are the app's."""


def _figures() -> dict[str, int]:
    return {"raised": len(raised), "counted": _counted()}


def _counted() -> int:
    return int(_account().count("dropped", reason="internal_error"))


@functools.cache
def _account() -> Any:
    ledger = importlib.import_module("tradewise_otel.pipeline.ledger").Ledger
    (account,) = [item for item in gc.get_objects() if isinstance(item, ledger)]
    return account


def serve() -> str:
    """Starts to take orders at the URL that it answers and writes to the file `orders`."""
    server = http.server.ThreadingHTTPServer(("0.0.0.0", 0), _Orders)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    Path("orders").write_text(url)
    return url
