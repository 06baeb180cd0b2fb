"""Runs the station when the device has started; MicroPython calls this file after boot.py.

config.json says what the station does, board.json what it is soldered to; both lie in the current
folder: on a board the root of its file system, in simulation a folder for each station.
"""

import sys

# From the innermost out: an import within an import within an import takes C stack, and a board
# has 16 KB of it.
import usip.core  # noqa: F401

# isort: split
from station import app

sys.exit(app.run("config.json", "board.json"))
