"""Voice quality reports on their way to a collector: PUBLISH of vq-rtcpxr (RFC 6035 4.3).

A report stands alone: it is not refreshed, and what becomes of it is only noted.
"""

from micropython import const

from usip.sip.standalone import Request

_M_PUBLISH = const(10)


class QualityReport(Request):
    """One report; `status` and `reason` are those of the answer, 0 until there is one."""

    def _finish(self, status: int, reason: bytes) -> None:
        self.status = status
        self.reason = reason


def publish(core, account, collector: bytes, body: bytes, now_ms: int) -> QualityReport:
    """Send *body* to the URI *collector*."""
    report = QualityReport(core, account, collector, _M_PUBLISH, 0)
    report.fields = b"Event: vq-rtcpxr\r\nExpires: 0\r\n"
    report.content_type = b"application/vq-rtcpxr"
    report.body = body
    return report.start(now_ms)
