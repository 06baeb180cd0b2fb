"""Runs on the VM: the test_* functions of one file, each on its own; see tools/run_on_vm.py.

    vm_tests FILE.mpy|FILE.py [NAME_PART]

Prints a line `# NAME` before each test, a line per failure, and `N passed, N failed`
at the end; exit status 1 when any failed.
"""

import gc
import sys


def _load(path):
    slash = path.rfind("/")
    sys.path.append(path[:slash])
    return __import__(path[slash + 1 : path.rfind(".")])


def _run(name, function) -> bool:
    gc.collect()
    print("# " + name)
    try:
        function()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001  (a failed test may end in anything)
        print("FAILED %s" % name)
        sys.print_exception(error)
        return False
    return True


def main() -> int:
    """Run the file named on the command line; return the exit status."""
    path = sys.argv[1]
    part = sys.argv[2] if len(sys.argv) > 2 else ""
    module = _load(path)
    passed = failed = 0
    for name in sorted(dir(module)):
        if name[:5] == "test_" and part in name:
            if _run(name, getattr(module, name)):
                passed += 1
            else:
                failed += 1
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


sys.path += sys.argv[1].split(":")
del sys.argv[1]
sys.exit(main())
