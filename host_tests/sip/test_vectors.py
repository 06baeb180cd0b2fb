"""Messages nobody here wrote: each gives one result, whole, octet by octet and in random pieces.

The folder is named by VECTORS; where it is absent this says so. What is printed for each set
ends in a digest of all results, which test_vectors_host.py compares between the VMs.
"""

import hashlib
import json
import os
from binascii import hexlify, unhexlify

from fakes.wire import in_steps, outcome, streamed, whole

from usip.sip import fields, headers, uri

VECTORS = os.getenv("VECTORS") or "../shared/vectors"
_LONGEST = 20000  # octet by octet and on the VM's heap


def has(folder: str) -> bool:
    """Say whether there is such a set, and print when there is none."""
    try:
        os.stat(VECTORS + "/" + folder)
        return True
    except OSError:
        print("vectors/%s: absent (VECTORS=%s)" % (folder, VECTORS))
        return False


def files(folder: str):
    """Yield all files under a folder, in order; the names of one folder at a time are held."""
    for name in sorted(os.listdir(folder)):
        path = folder + "/" + name
        if os.stat(path)[0] & 0x4000:
            yield from files(path)
        else:
            yield path


def read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(_LONGEST)


def add(digest, item) -> None:
    """Put nested results of numbers, text and octets into a digest, the same on every VM."""
    if isinstance(item, (tuple, list)):
        for part in item:
            add(digest, part)
        digest.update(b")")
    elif isinstance(item, bytes):
        digest.update(b"%d:" % len(item))
        digest.update(item)
    elif isinstance(item, str):
        add(digest, item.encode())
    else:
        digest.update(b"%d," % int(item))


def random_ends(length: int, seed: int) -> list:
    """Return where random pieces of 1 to 200 octets end."""
    ends = []
    at = 0
    while at < length:
        seed = (seed * 1103 + 12345) & 0xFFFFFF
        at = min(length, at + 1 + (seed >> 8) % 200)
        ends.append(at)
    return ends


def check_set(folder: str, octet_by_octet: bool = True) -> None:
    """Parse every file of a set in all ways and print the count and the digest."""
    if not has(folder):
        return
    digest = hashlib.sha256()
    accepted = refused = dropped = 0
    for number, path in enumerate(files(VECTORS + "/" + folder)):
        wire = read(path)
        result = outcome(lambda: whole(wire))  # noqa: B023  (called at once)
        ends = random_ends(len(wire), number)
        assert outcome(lambda: in_steps(wire, ends)) == result, path  # noqa: B023
        if octet_by_octet:
            ends = range(1, len(wire) + 1)
            assert outcome(lambda: in_steps(wire, ends)) == result, path  # noqa: B023
        add(digest, result)
        if result[0] == "ParseError":
            dropped += 1
        elif result[12]:
            refused += 1
        else:
            accepted += 1
    counts = (folder, accepted + refused + dropped, accepted, refused, dropped)
    print(
        "vectors/%s: %d files, %d accepted, %d refused, %d dropped;" % counts,
        str(hexlify(digest.digest()[:8]), "ascii"),
    )


def test_messages_of_rfc_4475():
    check_set("rfc4475")


def test_messages_of_rfc_5118():
    check_set("rfc5118")


def test_messages_of_the_rfcs_flows():
    check_set("rfcflows")


def test_real_messages():
    check_set("real")


def test_negative_messages():
    check_set("negative")


def test_messages_of_other_parsers_tests():
    check_set("thirdparty")


def test_messages_of_protos():
    check_set("protos", octet_by_octet=False)


def test_streams():
    if not has("streams"):
        return
    for path in files(VECTORS + "/streams"):
        with open(path) as file:
            segments = json.load(file)["segments_hex"]
        wire = b"".join(unhexlify(segment.encode()) for segment in segments)
        expected = streamed(wire, len(wire), 4000)
        for step in (1, 7, 536, 1460):
            assert streamed(wire, step, 4000) == expected, path
        refused = sum(1 for found in expected[:-2] if found[0] == "ParseError")
        name = path[path.rfind("/") + 1 :]
        print("vectors/streams/%s: %d messages, %d refused" % (name, len(expected) - 2, refused))


def _lines(name: str) -> list:
    text = read(VECTORS + "/headers/libosip2/" + name)
    return [line for line in text.split(b"\n") if line and line[0] != 35]


def test_header_values():
    if not has("headers"):
        return
    for name, view, least in (
        ("vias.txt", headers.Via(), 17),
        ("tos.txt", headers.NameAddr(), 80),
        ("recordroutes.txt", headers.NameAddr(), 6),
        ("contenttypes.txt", fields.Field(), 9),
        ("urls-3.txt", uri.URI(), 3),
    ):
        lines = _lines(name)
        good = sum(1 for line in lines if view.parse(line, 0, len(line)))
        print("vectors/headers/%s: %d values, %d accepted" % (name, len(lines), good))
        assert good >= least, name
