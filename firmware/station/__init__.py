"""The station: a door or indoor station made of usip's public names and two JSON files.

app        the rules: who is called, what a key does, what opens the door
settings   the section "station" of config.json, checked by path and reason
board      board.json: which buttons, relays and sound the hardware has
pins       GPIO; simpins: lines on standard input in place of it
buttons    debouncing; relay: pulses
log        what happens, one JSON object a line on standard output
"""
