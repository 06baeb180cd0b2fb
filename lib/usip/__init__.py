"""usip: a SIP and IMS user agent for MicroPython and CPython.

The public names are here; each module is imported when a name of it is first used.
"""

try:
    import micropython  # noqa: F401
except ImportError:
    from usip import cpython

    cpython.install()

_MODULES = (
    (
        "usip.agent",
        "Agent sleep_ms INCOMING REGISTERED UNREGISTERED REGISTRATION_FAILED OPTIONS_ANSWERED "
        "NO_MEMORY",
    ),
    (
        "usip.call",
        "Call PROGRESS ANSWERED MEDIA HELD RESUMED DTMF DTMF_ENDED INFO STATISTICS ENDED text_of",
    ),
    (
        "usip.services",
        "MESSAGE_RECEIVED MESSAGE_SENT NOTIFY_RECEIVED SUBSCRIPTION_STARTED SUBSCRIPTION_ENDED "
        "SUBSCRIBER_ADDED SUBSCRIBER_REMOVED PUBLISHED PUBLICATION_ENDED TRANSFER_REQUESTED "
        "TRANSFER_PROGRESS TRANSFER_ENDED",
    ),
    ("usip.errors", "BufferFull CallFailed ConfigError ParseError StateError"),
    ("usip.limits", "Limits"),
)

# From the innermost out: an import within an import within an import takes more C stack than a
# board has (16 KB on an ESP32, 240 octets and more a Python call).
_INNERMOST = (
    "errors ticks octets limits writer sip.scanner sip.grammar sip.headers sip.uri sip.message "
    "sip.parser sip.compose sip.auth sip.dialog sip.transaction sip.registration sip.session core"
)


is_linked = False  # True in an image whose modules tools/bundle.py has made into two


def preload(names: str) -> None:
    """Import modules of this package one after the other, so that none imports many others."""
    for name in () if is_linked else names.split():
        __import__("usip." + name)


def unload(*names: str) -> None:
    """Forget modules of this package, so that what only they hold leaves a device's heap."""
    import sys

    if sys.implementation.name != "micropython":
        return
    for name in names:
        package, _, last = name.rpartition(".")
        if sys.modules.pop(name, None) is not None and package in sys.modules:
            delattr(sys.modules[package], last)


_UNITS = 2  # loaded at a time, beside what is running

loaded = []  # names of the modules that `load` brought, that used last at the end


def load(name: str):
    """Return a module that a linked image has for the moment: tools/overlay.py."""
    import gc
    import sys

    if name in loaded:
        loaded.remove(name)
    elif len(loaded) == _UNITS:
        unload(loaded.pop(0))
    loaded.append(name)
    if name not in sys.modules:
        gc.collect()  # what comes and goes must not spread over the whole heap
    try:
        return __import__(name, None, None, (name,))
    except MemoryError:  # half of it may be there
        rest()
        gc.collect()
        loaded.append(name)
        return __import__(name, None, None, (name,))


def rest() -> None:
    """Let go of what `load` brought; what of it is running stays until it returns."""
    unload(*loaded)
    loaded.clear()


def __getattr__(name):
    for module, names in _MODULES:
        if name in names.split():
            if module == "usip.agent":
                preload(_INNERMOST)
            return getattr(__import__(module, None, None, (name,)), name)
    if name == "agent" or name == "core":
        preload(_INNERMOST)
    try:  # on MicroPython `from usip import ticks` asks here before it looks for a module
        return __import__("usip." + name, None, None, (name,))
    except ImportError:
        raise AttributeError(name)


def load_config(path: str) -> dict:
    """Return the checked configuration in the JSON file *path*, absent keys filled in.

    ConfigError names the key and the reason. What checked it leaves the heap again.
    """
    from usip import config

    try:
        return config.load(path)
    finally:
        unload("usip.config")
