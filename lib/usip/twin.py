"""The viper types as plain functions, for the bytecode twin of an image.

tools/rom.py writes the twin for a VM without a native emitter: the same sources with the
`@micropython.viper` lines dropped and these names imported. A typed pointer is then the object
itself, so ptr16 and ptr32 stand over array('h') or array('H') and array('i') only, ptr8 over
bytes, bytearray or memoryview.
"""


def ptr8(buf):
    """Return *buf*: indexing it gives octets."""
    return buf


ptr16 = ptr32 = uint = ptr8
