"""The station: a door or indoor station made of usip's public names and two JSON files.

- start: reads and checks the two files, then runs the rest
- settings: the section "station" of config.json; board: board.json
- app: the rules: who is called, what a key does, what opens the door
- pins: GPIO; simpins: lines on standard input in place of it
- buttons: debouncing; relay: pulses
- log: what happens, one JSON object a line on standard output
"""
