"""Calling: the plan of a key, step after step, until somebody answers.

A plan is a list of steps, a step a list of targets: those of one step ring at the same time, each
step for `ring_s`. By night another plan may hold. A key is deaf while its plan goes on.
"""

import asyncio

import usip
from usip import CallFailed
from usip.ticks import ticks_add, ticks_ms


class Dialler:
    """Carries out the plans of *station*, one at a time."""

    def __init__(self, station) -> None:
        self._station = station
        self._task = None
        self._is_given_up = False

    @property
    def is_busy(self) -> bool:
        """Whether a plan is being carried out."""
        return self._task is not None

    def begin(self, button: dict) -> None:
        """Carry out the plan of an entry of `buttons`, unless another one is."""
        if self._task is None:
            self._is_given_up = False
            self._task = asyncio.create_task(self._run(button))

    def give_up(self) -> None:
        """Call no further target; the call that rings goes on."""
        self._is_given_up = True

    def _plan_of(self, button):
        if "night_plan" in button:
            from station import clock

            if clock.is_night(self._station.settings["night"]):
                self._station.say("night", "input", button["input"])
                return button["night_plan"]
        return button["plan"]

    async def _run(self, button):
        station = self._station
        ring_s = button.get("ring_s", station.settings["ring_s"])
        status = 0
        try:
            for step in self._plan_of(button):
                if self._is_given_up:
                    return
                status = await self._try(step, ring_s)
                if not status:
                    return
            if not self._is_given_up:
                station.say("unanswered", "input", button["input"], "status", status)
        finally:
            self._task = None

    async def _try(self, step, ring_s) -> int:
        """Call one step and stay to the end of the call; return 0, or why nobody answered."""
        station = self._station
        station.say("calling", "to", step[0] if len(step) == 1 else " ".join(step))
        try:
            call = self._place(step)
        except CallFailed as e:
            station.say("ended", "status", e.status, "reason", e.reason, "by", "error")
            return e.status
        except (OSError, ValueError) as e:
            station.say("error", "what", str(e), "where", "call")
            return 500
        except MemoryError:
            station.say("error", "what", "no memory", "where", "call")
            return 500
        station.limit_at = ticks_add(ticks_ms(), 1000 * ring_s)
        await station.follow(call)
        return 0 if call.is_answered else call.status

    def _place(self, step):
        agent = self._station.agent
        if len(step) == 1:
            return agent.place(step[0], agent.audio)
        from usip import parallel as groups

        try:
            return groups.place(agent, step, agent.audio)
        finally:
            usip.unload("usip.parallel")  # its heap is free once somebody has answered
