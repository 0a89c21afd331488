"""The key of the pseudonyms: from the setting, else made once and kept beside the state."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

_FILE = "pseudonym.key"
_BYTES = 32


def load(setting: str, folder: str) -> tuple[bytes, bool]:
    """The key, and whether it will be the same next time.

    Args:
        setting: `TRADEWISE_PSEUDONYM_KEY`; wins when it is not empty.
        folder: where a key that was made is kept, readable by its owner only.
    """
    if setting:
        return setting.encode(), True
    try:
        return _kept(Path(folder) / _FILE), True
    except OSError:
        return secrets.token_bytes(_BYTES), False


def _kept(path: Path) -> bytes:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _make(path)
    key = path.read_bytes()
    if len(key) < _BYTES:
        raise OSError(f"{path} holds no key")
    return key


def _make(path: Path) -> None:
    # Linked into place whole, so that several workers that start at once agree on one key.
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(_BYTES))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
