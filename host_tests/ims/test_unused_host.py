"""Who has no IMS account has nothing of it in memory."""

import pathlib
import subprocess
import sys

import pytest

from tools import rom, vm

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_PROGRAM = """
import asyncio, sys, usip
from usip import config
settings = config.parse({"accounts": [{"aor": "sip:a@127.0.0.1"}], "network": {"sip_port": 0}})
async def main():
    async with usip.Agent(settings) as agent:
        call = agent.place("sip:b@127.0.0.1:9")
        await usip.sleep_ms(50)
        call.hang_up()
asyncio.run(main())
words = "usip.ims usip.equipment usip.watching usip.card usip.sdp.precondition"
print([m for m in sys.modules if m.startswith(tuple(words.split()))])
"""


@pytest.mark.parametrize("where", ["cpython", "plain", "linked"])
def test_nothing_is_imported(where, tmp_path):
    path = tmp_path / "program.py"
    path.write_text(_PROGRAM)
    if where == "cpython":
        command = [sys.executable, str(path)]
    else:
        image = rom.build("sim", linked=where == "linked")
        command = vm.vm_command("256k", rom=image) + [str(path)]
    environment = {"PYTHONPATH": str(_ROOT / "lib"), "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=60, cwd=tmp_path
    )
    assert done.stdout.strip().splitlines()[-1:] == ["[]"], done.stdout + done.stderr
