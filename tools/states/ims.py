"""Runs on the VM: the heap of a phone whose IMS account is registered, and which is idle."""

import asyncio
import gc

import usip


async def main() -> None:
    """Register, hear the reg event, wait, print `state BYTES`."""
    events = []
    agent = usip.Agent(usip.load_config("config.json"))
    agent.observer = lambda event, subject, detail: events.append(event)
    async with agent:
        while usip.REGISTERED not in events or usip.NOTIFY_RECEIVED not in events:
            await usip.sleep_ms(10)
        await usip.sleep_ms(300)
        gc.collect()
        gc.collect()
        used = gc.mem_alloc()
    print("state", used)


asyncio.run(main())
