"""Published vectors for tests on both VMs: the JSON files of the folder that VECTORS names."""

import json
import os


def load(name: str, key: str) -> list:
    """Return the list *key* of ims/*name* in the vectors; says so and is empty without them."""
    path = os.getenv("VECTORS") + "/ims/" + name
    try:
        with open(path) as file:
            vectors = json.load(file)[key]
    except OSError:
        print("no vectors in %s: 0 of them ran" % path)
        return []
    print("%d vectors of %s, %s" % (len(vectors), name, key))
    return vectors
