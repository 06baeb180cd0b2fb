"""Runs the station when the device has started; MicroPython calls this file after boot.py.

config.json says what the station does, board.json what it is soldered to; both lie in the current
folder: on a board the root of its file system, in simulation a folder for each station.
"""

import sys

from station import start

status = start.run("config.json", "board.json")
if sys.platform == "linux":  # on a board that would start it again at once, and for ever
    sys.exit(status)
