"""Counts what calls, re-registrations and OPTIONS leave in the heap of the VM: nothing.

    python -m tools.growth [--rounds 10000] [--heap 256k]

Each is done as often as --rounds between two cores in virtual time (host_tests/test_endurance.py),
after a few to settle. The library comes from the mapped image of board `sim`. A line each is
printed; the exit status is 1 when anything has grown.
"""

import argparse
import os
import subprocess
import sys

from tools import get_micropython, rom, vm

_TIMEOUT_S = 1200


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(prog="tools.growth", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=10000, help="of each (default 10000)")
    parser.add_argument("--heap", default="256k", help="of the VM (default 256k)")
    options = parser.parse_args(argv)
    if options.rounds < 1:
        parser.error("--rounds must be 1 or more")
    try:
        image = rom.build("sim", linked=False)
        script = vm.compiled(vm.ROOT / "tools" / "growth_run.py")
        command = vm.vm_command(options.heap, rom=image)
    except (get_micropython.NotFound, rom.BuildError) as error:
        print("tools.growth: %s" % error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print("tools.growth: %s" % error.stderr.strip(), file=sys.stderr)
        return 1
    command += [str(script), str(vm.ROOT), str(options.rounds)]
    return subprocess.run(command, env=os.environ, timeout=_TIMEOUT_S).returncode


if __name__ == "__main__":
    sys.exit(main())
