"""Names that MicroPython has in its read-only pool: to use one of them costs no heap.

They are those of builtins, of methods of builtin types and of the modules that the ports for unix
and for ESP32 have both, as `dir` shows them on the VM; but for those that the VM itself asks
objects for (`send`, `read`, `keys` ...). One that a build lacks costs what any name does.
"""

NAMES = """
AF_INET AF_INET6 AF_UNIX ARRAY AUTO ArithmeticError AssertionError AttributeError BFINT16 BFINT32
BFINT8 BFUINT16 BFUINT32 BFUINT8 BF_LEN BF_POS BIG_ENDIAN BaseException BytesIO DeflateIO EACCES
EADDRINUSE EAGAIN EALREADY EBADF ECONNABORTED ECONNREFUSED ECONNRESET EEXIST EHOSTUNREACH
EINPROGRESS EINVAL EIO EISDIR ENOBUFS ENODEV ENOENT ENOMEM ENOTCONN EOFError EOPNOTSUPP EPERM
ETIMEDOUT Ellipsis Exception FLOAT32 FLOAT64 FrameBuffer FrameBuffer1 GS2_HMSB GS4_HMSB GS8 GZIP
GeneratorExit INT INT16 INT32 INT64 INT8 IOBase ImportError IndentationError IndexError KeyError
KeyboardInterrupt LITTLE_ENDIAN LONG LONGLONG LookupError MONO_HLSB MONO_HMSB MONO_VLSB
MSG_DONTROUTE MSG_DONTWAIT MVLSB MemoryError NATIVE NameError NotImplemented NotImplementedError
OSError OrderedDict OverflowError POLLERR POLLHUP POLLIN POLLOUT PTR PinBase RAW RGB565 RingIO
RuntimeError SHORT SOCK_DGRAM SOCK_RAW SOCK_STREAM SOL_SOCKET SO_BROADCAST SO_ERROR SO_KEEPALIVE
SO_LINGER SO_REUSEADDR Signal StopAsyncIteration StopIteration StringIO SyntaxError SystemExit
Task TaskQueue TypeError UINT UINT16 UINT32 UINT64 UINT8 ULONG ULONGLONG USHORT UnicodeError VOID
ValueError VfsFat VfsLfs1 VfsLfs2 VfsPosix ViperTypeError ZLIB ZeroDivisionError a2b_base64 abs
accept acos acosh add addressof all any append appendleft argv array asin asinh atan atan2 atanh
atexit b2a_base64 bin bind blit bool bytearray bytearray_at bytes bytes_at calcsize callable ceil
center chdir choice chr clear clock collect compile complex connect const copy copysign cos cosh
count crc32 decode degrees deque dict difference difference_update digest dir disable discard
divmod dump dumps ellipse enable encode endswith enumerate erf erfc errno errorcode eval exc_info
exec execfile executable exit exp expm1 extend fabs factorial fill fill_rect filter find float
floor fmod format frexp from_bytes fromhex fromkeys frozenset gamma getaddrinfo getcwd getenv
getrandbits getvalue gmtime group hasattr hash heap_lock heap_unlock heapify heappop heappush
help hex hexlify hline idle ilistdir implementation index inet_ntop inet_pton input insert int
intersection intersection_update ipoll isalpha isclose isdigit isdisjoint isenabled isfinite
isinf isinstance islower isnan isspace issubclass issubset issuperset isupper join kbd_intr ldexp
len lgamma list listdir listen load loads localtime log log10 log2 lower lstrip makefile map
match max maxsize md5 mem16 mem32 mem8 mem_alloc mem_free mem_info mem_total memoryview min mkdir
mktime modf modify modules mount namedtuple oct open opt_level ord pack pack_into partition path
peek pend_throw phase pixel polar poll poly pop popitem popleft pow print print_exception ps1 ps2
push putenv qstr_info radians randint random randrange range readline rect recv recvfrom register
remove rename replace repr reverse reversed rfind rindex rmdir round rpartition rsplit rstrip
schedule scroll search seed seek sendto sep set setblocking setdefault setsockopt settimeout sha1
sha256 sin sinh sizeof sleep sleep_ms sleep_us slice sockaddr socket soft_reset sort sorted split
splitlines sqrt stack_use startswith stat statvfs stderr stdin stdout str strip struct sub sum
symmetric_difference symmetric_difference_update system tan tanh tau tell text threshold
ticks_add ticks_cpu ticks_diff ticks_ms ticks_us time time_ns time_pulse_us to_bytes trunc tuple
umount unhexlify uniform union unlink unpack unpack_from unregister unsetenv update upper urandom
version_info vline zip
""".split()
