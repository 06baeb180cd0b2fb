"""Runs on the VM ahead of a script: puts a board's file system in place, then the script.

    micropython -m vm_boot IMAGE|TREE SCRIPT [ARGS]

A ROMFS image is mapped into memory and mounted at /rom, so that its code stays outside the heap
as in a board's flash; a tree stands for a board's own file system, from where .mpy files are
loaded into the heap. SCRIPT is a file of the host: .py, or .mpy made by mpy-cross.

What stays in the heap is 1 KB, so the names here are those the VM has already.
"""

import sys

argv = sys.argv
path = argv[1]
if path[-4:] == ".img":
    import ffi
    import uctypes
    import vfs

    open = ffi.open(None).func
    read = open("i", "open", "si")(path, 0)
    end = vfs.VfsPosix().stat(path)[6]
    read = open("P", "mmap", "PLiiil")(0, end, 1, 2, read, 0)  # PROT_READ, MAP_PRIVATE
    path = "/rom"
    vfs.mount(vfs.VfsRom(uctypes.bytearray_at(read, end)), path)
    del open, ffi, uctypes, vfs, read
del argv[:2]
end = argv[0].rfind("/") + 1
sys.path[:] = [path + "/lib", path, ".frozen", argv[0][:end] or "."]
path = argv[0][end:]
if path[-4:] == ".mpy":
    __import__(path[:-4], None, None, False)  # False: under the name __main__
else:
    with open(argv[0]) as path:
        end = path.read()
    exec(compile(end, argv[0], "exec"), {"__name__": "__main__"})
