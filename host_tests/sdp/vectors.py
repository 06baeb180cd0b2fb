"""Published descriptions for tests on both VMs, from the folder of vectors."""

import os


def _folders():
    at = __file__.rfind("/host_tests/")
    return (os.getenv("VECTORS"), __file__[:at] + "/../shared/vectors" if at >= 0 else None)


def load(name: str):
    """Return the octets of the file *name* of the vectors, or None when it is absent."""
    for folder in _folders():
        try:
            with open("%s/%s" % (folder, name), "rb") as file:
                return file.read()
        except OSError:
            pass
    return None


def load_all(pattern: str, first: int, last: int) -> list:
    """Return [(name, octets)] of the files pattern % n; says how many there are."""
    names = [pattern % n for n in range(first, last + 1)]
    found = [(name, load(name)) for name in names]
    found = [one for one in found if one[1] is not None]
    print("%d of %d vectors %s" % (len(found), len(names), pattern))
    return found
