"""Runs on the VM: growth_run FOLDER ROUNDS; see tools/growth.py."""

import sys

sys.path.append(sys.argv[1])


def main() -> int:
    """Print a line for each kind of work; return 1 when one has left something."""
    from host_tests import test_endurance

    rounds = int(sys.argv[2])
    status = 0
    for name, make in test_endurance.TURNS:
        grown = test_endurance.growth(make(), rounds)
        print("%d %s: %d B" % (rounds, name, grown))
        status |= grown != 0
    return status


sys.exit(main())
