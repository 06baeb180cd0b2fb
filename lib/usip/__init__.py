"""usip: a SIP and IMS user agent for MicroPython and CPython."""

try:
    import micropython  # noqa: F401
except ImportError:
    from usip import cpython

    cpython.install()
