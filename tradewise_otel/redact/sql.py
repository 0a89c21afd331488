"""SQL literals become placeholders, whatever dialect, and in doubt more than the literal does."""

from __future__ import annotations

import re

from tradewise_otel.catalogue.sensitive import MASK

_TOKEN = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))"
    r"|(?P<name>\"[^\"]*\"?|`[^`]*`?)"
    r"|(?P<literal>(?:\b[nNeExXbBuU]&?)?'(?:[^']|'')*'?)"
    r"|(?P<dollar>\$(?P<tag>[A-Za-z_]*)\$)",
    re.DOTALL,
)
_KEPT = f"'{MASK}'"


def placeholders(sql: str) -> str:
    """`sql` with every quoted literal as `?`; numbers, names and masks stay.

    A backslash before a quote ends the literal in one dialect and not in another: all from there to
    the last quote is then taken for the literal. The same goes for a comment with an odd quote in it.
    """
    parts = []
    done = 0
    while (token := _TOKEN.search(sql, done)) is not None:
        end, put = _replace(sql, token)
        parts += [sql[done : token.start()], put]
        done = end
    return "".join([*parts, sql[done:]])


def _replace(sql: str, token: re.Match[str]) -> tuple[int, str]:
    text = token.group()
    if token["literal"] is not None:
        return _literal(sql, token)
    if token["dollar"] is not None:
        close = sql.find(text, token.end())
        return (len(sql) if close < 0 else close + len(text)), "?"
    if token["comment"] is not None and "'" in text:
        return token.end(), _comment(text)
    return token.end(), text


def _literal(sql: str, token: re.Match[str]) -> tuple[int, str]:
    text = token.group()
    if text == _KEPT:
        return token.end(), text
    if "\\'" in text:
        return max(sql.rfind("'") + 1, token.end()), "?"
    return token.end(), "?"


def _comment(text: str) -> str:
    if text.count("'") % 2 or "\\'" in text:
        return "/* ? */" if text.startswith("/*") else "-- ?"
    return re.sub(r"'[^']*'", lambda quoted: quoted.group() if quoted.group() == _KEPT else "?", text)
