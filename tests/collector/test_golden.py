"""The merged configuration of each role and overlay, as `print-config` shows it, is the reviewed one.

golden/<role>[-<overlay>].yaml hold it. After a wanted change, write them anew, read the diff, commit it:

    TRADEWISE_GOLDEN=write python -m pytest tests/collector/test_golden.py
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path

import pytest
from collector_command import NEEDED, OVERLAID, ROLES, Variant, run_command
from harness.holds import holds

GOLDEN = Path(__file__).parent / "golden"
REFRESH = "TRADEWISE_GOLDEN=write python -m pytest tests/collector/test_golden.py"
WITHOUT_SECRETS = ("gateway-datadog-agent", "agent-kafka", "laptop-prometheus")
SHOWN = [*ROLES, *OVERLAID]
# Nothing of this machine: neither its home nor where the checkout is.
FIXED = {"TRADEWISE_DATA_DIR": "/var/lib/tradewise", "HOME": "/nowhere", "GOMAXPROCS": "2"}


def _print_config(variant: Variant, binary: Path, **settings: str) -> str:
    chosen = {**NEEDED, **FIXED, "TRADEWISE_COLLECTOR_BIN": str(binary), **settings}
    done = run_command("print-config", *variant.arguments, settings=chosen)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def _difference(reviewed: str, now: str, name: str) -> str:
    lines = difflib.unified_diff(
        reviewed.splitlines(), now.splitlines(), f"golden/{name}", "print-config", lineterm=""
    )
    return "\n".join(lines)


@holds("2.M6")
@pytest.mark.parametrize("variant", SHOWN, ids=str)
def test_the_configuration_is_the_reviewed_one(variant: Variant, binary: Path, gateway_binary: Path) -> None:
    """`print-config` of each role and overlay gives the committed file, line for line."""
    now = _print_config(variant, binary if variant.role == "laptop" else gateway_binary)
    file = GOLDEN / f"{variant}.yaml"
    if os.environ.get("TRADEWISE_GOLDEN") == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(now, encoding="utf-8")
    reviewed = file.read_text(encoding="utf-8") if file.exists() else ""
    if now != reviewed:
        pytest.fail(f"{_difference(reviewed, now, file.name)}\n\nif this is wanted: {REFRESH}", pytrace=False)


def test_there_is_one_for_each() -> None:
    """No golden file is left over, and none is missing."""
    if os.environ.get("TRADEWISE_GOLDEN") == "write":
        pytest.skip("they are being written")
    assert {path.stem for path in GOLDEN.iterdir()} == {str(variant) for variant in SHOWN}


@holds("2.M6")
@pytest.mark.parametrize("variant", OVERLAID, ids=str)
def test_secrets_are_not_shown(variant: Variant, binary: Path, gateway_binary: Path) -> None:
    """Neither the key nor the token is in what `print-config` prints, so it can go into a bug report."""
    secrets = {"DD_API_KEY": "k3y-0123456789", "TRADEWISE_TOKEN": "t0ken-0123456789"}
    shown = _print_config(variant, binary if variant.role == "laptop" else gateway_binary, **secrets)
    assert not [secret for secret in secrets.values() if secret in shown]
    assert "[REDACTED]" in shown or str(variant) in WITHOUT_SECRETS


def test_the_machine_is_not_in_it(gateway_binary: Path) -> None:
    """Another home, another number of cores and another time zone give the same text."""
    variant = Variant("gateway")
    other = {"HOME": "/elsewhere", "XDG_STATE_HOME": "/state", "GOMAXPROCS": "1", "TZ": "Asia/Tokyo"}
    assert _print_config(variant, gateway_binary, **other) == _print_config(variant, gateway_binary)
