"""Voice quality reports on their way to a collector: the event package vq-rtcpxr (RFC 6035 4).

A report in a PUBLISH stands alone: it is not refreshed, and what becomes of it is only noted. In a
NOTIFY it is the state of a package that a collector may subscribe to.
"""

from micropython import const

from usip.sip.packages import Package
from usip.sip.standalone import Request

_M_PUBLISH = const(10)
_TYPE = b"application/vq-rtcpxr"


class Reports(Package):
    """The latest report, for those who subscribe; none before the first."""

    throttle_ms = 0

    def __init__(self) -> None:
        super().__init__(b"vq-rtcpxr", (_TYPE,))
        self.body = b""

    def put(self, w, subscriber) -> None:
        """Append the report."""
        w.put(self.body)


class QualityReport(Request):
    """One report; `status` and `reason` are those of the answer, 0 until there is one."""

    def _finish(self, status: int, reason: bytes) -> None:
        self.status = status
        self.reason = reason


def publish(core, account, collector: bytes, body: bytes, now_ms: int) -> QualityReport:
    """Send *body* to the URI *collector*."""
    report = QualityReport(core, account, collector, _M_PUBLISH, 0)
    report.fields = b"Event: vq-rtcpxr\r\nExpires: 0\r\n"
    report.content_type = _TYPE
    report.body = body
    return report.start(now_ms)
