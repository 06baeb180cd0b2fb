"""What MicroPython has built in and CPython lacks: `const`, the viper types, typed pointers.

Imported by `usip/__init__.py` on CPython only and left out of every device image. A function
written for the viper emitter runs unchanged here as plain Python when it re-casts its buffers
(`pcm = ptr16(pcm)`) and masks every store; that is the twin the host tests exercise.
"""

import builtins
import sys
import types


def _cast(code):
    def pointer(buffer):
        view = memoryview(buffer)
        return view.cast("B").cast(code) if view.format != code else view

    return pointer


def _unchanged(function):
    return function


def install() -> None:
    """Register the module `micropython` and the viper built-ins; a second call changes nothing."""
    if "micropython" in sys.modules:
        return
    module = types.ModuleType("micropython", __doc__)
    module.const = module.viper = module.native = module.bytecode = _unchanged
    module.opt_level = lambda level=None: 0
    sys.modules["micropython"] = module
    builtins.ptr8 = _cast("B")
    builtins.ptr16 = _cast("H")
    builtins.ptr32 = _cast("i")
    builtins.uint = int
