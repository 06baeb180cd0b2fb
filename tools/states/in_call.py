"""Runs on the VM: the heap of a phone in a G.711 call, sound going both ways."""

import asyncio
import gc

import usip


async def main() -> None:
    """Call whom the configuration's account names, talk a while, print `state BYTES`."""
    agent = usip.Agent(usip.load_config("config.json"))
    async with agent:
        call = await agent.call("sip:peer@" + agent.config["accounts"][0]["outbound_proxy"][4:])
        await usip.sleep_ms(1500)
        gc.collect()
        gc.collect()
        used = gc.mem_alloc()
        if call.stream.received < 50 or call.stream.sent < 50:
            raise SystemExit("no sound")
        call.dtmf("5")
        await usip.sleep_ms(500)
        call.hang_up()
    print("state", used)


asyncio.run(main())
