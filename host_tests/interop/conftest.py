"""Fixtures: each test gets its own folder, its own peers, and leaves nothing running."""

import contextlib
import pathlib
import re
import shutil
import signal

import pytest

from . import install, tone
from .baresip import Baresip
from .kamailio import Kamailio
from .phone import Phone, account
from .process import free_port
from .relay import Relay
from .tone import LOCAL_HZ, REMOTE_HZ

_ROOT = pathlib.Path(__file__).resolve().parents[2]
STATE = _ROOT / "build" / "interop"


def pytest_addoption(parser):
    parser.addoption("--heap", default="96k", help="of the phone's MicroPython VM")


def pytest_sessionstart():
    """Install what is missing when we may; the remedy is on stderr when we may not."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # fixtures end what they started
    if install.main():
        pytest.exit("SIP programs these tests need are missing", returncode=1)


@pytest.fixture
def folder(request):
    """The empty folder of this test under build/interop/: configurations, logs, recordings."""
    path = STATE / re.sub(r"[^\w.-]+", "-", request.node.name).strip("-")
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


@pytest.fixture
def started(folder):
    """Call started(Class, name, ...) to run a peer in its own folder until the test ends."""
    with contextlib.ExitStack() as running:

        def start(factory, name, *arguments, **options):
            own = folder / name
            own.mkdir()
            peer = factory(own, *arguments, **options)
            running.callback(peer.stop)
            peer.wait_ready()
            return peer

        yield start


@pytest.fixture(scope="session")
def tones():
    """{frequency: WAV} of half a minute each, longer than any call here."""
    STATE.mkdir(parents=True, exist_ok=True)
    paths = {hz: STATE / f"tone{hz}.wav" for hz in (LOCAL_HZ, REMOTE_HZ)}
    for frequency, path in paths.items():
        tone.write_sine(path, frequency, 30)
    return paths


@pytest.fixture
def kamailio(started):
    return started(Kamailio, "kamailio")


@pytest.fixture
def baresip(started, kamailio, tones):
    """Call baresip(user, **options) for a far phone registered at kamailio."""

    def start(user, play=tones[REMOTE_HZ], **options):
        peer = started(Baresip, user, kamailio, user, play, **options)
        kamailio.wait_registered(user)
        return peer

    return start


@pytest.fixture
def lossy_kamailio(started):
    """(Kamailio, Relay): everything to and from the relay's port loses 10 % each way."""
    port = free_port()
    proxy = started(Kamailio, "kamailio", advertised=port)
    return proxy, started(Relay, "relay", proxy.port, port=port, loss=0.1)


@pytest.fixture(params=["cpython", "micropython"])
def vm(request):
    """The words that choose the VM the phone runs on: every test that takes it runs on both."""
    words = ("--vm", request.param)
    if request.param == "micropython":
        words += ("--heap", request.config.getoption("heap"))
    return words


@pytest.fixture
def phone(started, kamailio, vm):
    """Call phone(*options, user=..., **account) for a phone registered at kamailio."""

    def start(*options, user="door", **changes):
        peer = started(Phone, "phone", vm, account(user, kamailio.port, **changes), *options)
        peer.wait_event("registered")
        return peer

    return start
