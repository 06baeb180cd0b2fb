"""Puts the device's sys.path together for pytest and says where the vectors are."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

for folder in ("host_tests", "firmware", "", "lib"):
    path = str(ROOT / folder)
    if path not in sys.path:
        sys.path.insert(0, path)

os.environ.setdefault("VECTORS", str(ROOT.parent / "shared" / "vectors"))

import usip  # noqa: E402, F401  (installs the `micropython` shim before any test imports it)
