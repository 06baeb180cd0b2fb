"""The station: a door or indoor station made of usip's public names and two JSON files.

    settings   the section "station" of config.json, checked by path and reason
    board      board.json: which buttons, relays and sound the hardware has
    pins       GPIO; simpins: lines on standard input in place of it
    buttons    debouncing; relay: pulses
    log        what happens, one JSON object a line on standard output
    app        the rules: who is called, what a key does, what opens the door
"""


def run(config_path: str, board_path: str) -> int:
    """Run until told to stop; return the exit status: 0, 1 failed, 2 wrong configuration."""
    from station import app

    return app.run(config_path, board_path)
