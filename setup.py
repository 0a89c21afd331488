"""Puts `collector/` and `deploy/datadog/` into the wheel as package data; the rest is in pyproject.toml.

The copy goes to the build folder and not into the source tree, so a checkout never has two of it and
`tradewise_otel/assets.py` cannot find a stale one.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
SHIPPED = ("collector", "deploy/datadog")


class BuildWithAssets(build_py):
    """`build_py`, then the shipped folders."""

    def run(self) -> None:
        super().run()
        # An editable install runs from the checkout and finds the folders there.
        if not self.editable_mode:
            for folder in SHIPPED:
                target = Path(self.build_lib, "tradewise_otel", "_assets", folder)
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(ROOT / folder, target)


setup(cmdclass={"build_py": BuildWithAssets})
