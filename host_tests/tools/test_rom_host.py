"""rom: the bytecode twin of a source, and what the image holds."""

import pytest

from tools import rom

VIPER = """\
import micropython


@micropython.viper
def f(buf: ptr8) -> int:
    buf = ptr8(buf)
    return int(buf[0])
"""


def test_the_twin_has_the_same_lines_without_the_emitter():
    text = rom.twin(VIPER)
    assert text.count("\n") == VIPER.count("\n")
    assert "@micropython" not in text
    assert text.startswith("import micropython; from usip.twin import ptr8, ptr16, ptr32, uint\n")


def test_a_source_without_viper_is_its_own_twin():
    assert rom.twin("import micropython\n") == "import micropython\n"


def test_viper_without_the_import_is_refused():
    with pytest.raises(rom.BuildError):
        rom.twin("@micropython.viper\ndef f(): pass\n")


def test_the_image_has_the_library_but_not_the_shim():
    names = rom.sources()
    assert "lib/usip/octets" in names
    assert "lib/usip/cpython" not in names
    assert "lib/usip/twin" not in names
    assert "lib/usip/twin" in rom.sources(native=False)


def test_an_unknown_board_is_named():
    with pytest.raises(rom.BuildError, match="no board x: there are"):
        rom.emitter_of("x")
