"""Inputs that are no keys: hook switch, tamper contact, what a door says of itself.

Each counts once it was the same in three scans, like a key (station.buttons). Off the hook
answers the call that rings or does what the first key with action `call` does; on the hook hangs
up. A relay's feedback is a contact of its door: *open* is told, *forced* when nobody opened it,
and a relay whose door did not open within 5 s of its pulse.
"""

from micropython import const

from usip.ticks import NEVER, ticks_diff

_OPEN_MS = const(5000)
_HOOK = const(-1)
_TAMPER = const(-2)


class Inputs:
    """Watches the steady levels of `station.buttons`; a part of *station*, without heap."""

    def __init__(self, station, settings: dict) -> None:
        self._station = station
        self._inputs = []  # (input, _HOOK, _TAMPER or the number of a relay)
        for key, what in (("hook", _HOOK), ("tamper", _TAMPER)):
            if key in settings:
                self._inputs.append((settings[key], what))
        relays = settings["relays"]
        for number, relay in enumerate(relays):
            if "feedback" in relay:
                self._inputs.append((relay["feedback"], number))
        self._levels = bytearray(len(self._inputs))
        self._opened_at = [NEVER] * len(relays)
        station.listeners.append(self)

    def take(self, event: str, fields: tuple) -> None:
        """Note when which relay was closed."""
        if event == "opened":
            self._opened_at[fields[1]] = self._station.agent.now_ms()

    def tick(self, now_ms: int) -> None:
        """Look for changes."""
        buttons = self._station.buttons
        for i in range(len(self._inputs)):
            number, what = self._inputs[i]
            level = buttons.level(number)
            if level != self._levels[i]:
                self._levels[i] = level
                self._change(what, level, now_ms)
            elif what >= 0 and self._opened_at[what] >= 0:
                if ticks_diff(now_ms, self._opened_at[what]) > _OPEN_MS:
                    self._opened_at[what] = NEVER
                    self._station.say("stuck", "relay", what)

    def _change(self, what, level, now_ms):
        station = self._station
        if what == _TAMPER:
            station.say("tamper", "on", level == 1)
        elif what == _HOOK:
            station.say("hook", "off", level == 1)
            self._hook(level)
        else:
            is_forced = level == 1 and self._opened_at[what] < 0
            if level:
                self._opened_at[what] = NEVER
            station.say("door", "relay", what, "open", level == 1, "forced", is_forced)

    def _hook(self, is_off):
        station = self._station
        if not is_off:
            station.hang_up()
        elif station.call is not None:
            station.answer()
        else:
            for button in station.settings["buttons"]:
                if button["action"] == "call":
                    station.act(button)
                    break

    def finish(self) -> None:
        """Nothing to release."""
