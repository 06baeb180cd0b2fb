"""growth: what calls, refreshes and pings leave in the heap."""

import subprocess
import sys

from tools import vm


def test_a_thousand_of_each_leave_nothing():
    command = [sys.executable, "-m", "tools.growth", "--rounds", "1000"]
    done = subprocess.run(command, cwd=vm.ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == [
        "1000 calls: 0 B",
        "1000 re-registrations: 0 B",
        "1000 OPTIONS: 0 B",
    ]
