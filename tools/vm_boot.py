"""Runs on the VM ahead of a script: puts a board's file system in place, then the script.

    micropython vm_boot.py IMAGE|TREE SCRIPT [ARGS]

A ROMFS image is mapped into memory and mounted at /rom, so that its code stays outside the heap
as in a board's flash; a tree stands for a board's own file system, from where .mpy files are
loaded into the heap. SCRIPT is a file of the host: .py, or .mpy made by mpy-cross.
"""

import gc
import sys


def _mount(image):
    import ffi
    import uctypes
    import vfs

    libc = ffi.open(None)
    fd = libc.func("i", "open", "si")(image, 0)
    size = vfs.VfsPosix().stat(image)[6]
    at = libc.func("P", "mmap", "PLiiil")(0, size, 1, 2, fd, 0)  # PROT_READ, MAP_PRIVATE
    vfs.mount(vfs.VfsRom(uctypes.bytearray_at(at, size)), "/rom")
    return "/rom"


def _boot():
    argv = sys.argv
    root = argv[1]
    del argv[:2]
    if root[-4:] == ".img":
        root = _mount(root)
    script = argv[0]
    sys.path[:] = [root + "/lib", root, ".frozen", script[: script.rfind("/") + 1] or "."]
    return script[script.rfind("/") + 1 :]


name = _boot()
if name[-4:] == ".mpy":
    del _boot, _mount
    gc.collect()
    __import__(name[:-4], None, None, False)  # False: under the name __main__
else:
    with open(sys.argv[0]) as file:
        source = file.read()
    del _boot, _mount, file
    gc.collect()
    exec(compile(source, sys.argv[0], "exec"), {"__name__": "__main__"})
