"""Where things are, as ./dev test tells in the environment (see export_for_tests)."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = Path(os.environ.get("TOCSIN_HOME") or ROOT / ".tocsin")
BIN = Path(os.environ.get("TOCSIN_BIN") or ROOT / "build" / "release" / "bin")
FULL_DOSE = os.environ.get("TOCSIN_DOSE") == "full"


def binary(name: str) -> Path:
    path = BIN / name
    assert path.exists(), f"{path} is not built; ./dev build, or set TOCSIN_BIN"
    return path
