# What a firmware with library and station frozen in consists of (MicroPython's manifest files):
# make BOARD_DIR=.../boards/esp32 FROZEN_MANIFEST=.../firmware/manifest.py in ports/esp32.
# Frozen modules run from flash, outside the heap, and go before those of every file system.
import os

include("$(PORT_DIR)/boards/manifest.py")  # noqa: F821

_CPYTHON_ONLY = ("cpython.py", "twin.py")


def _sources(folder):
    """Return the names of the modules below *folder*, relative to it."""
    found = []
    for base, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            if name.endswith(".py") and name not in _CPYTHON_ONLY:
                found.append(os.path.relpath(os.path.join(base, name), folder).replace("\\", "/"))
    return found


package("usip", _sources("../lib/usip"), base_path="../lib", opt=3)  # noqa: F821
package("station", _sources("station"), base_path=".", opt=3)  # noqa: F821
module("main.py", base_path=".", opt=3)  # noqa: F821
module("selftest.py", base_path=".", opt=3)  # noqa: F821
