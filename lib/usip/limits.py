"""Capacities: every buffer's size is known when the agent starts.

A full one is answered by the protocol (413, 480, 486, 503, 513), never by MemoryError.
"""


class Limits:
    """The capacities of one user agent; `Limits(headers=64)` overrides by name.

    An unknown name or a value that is no int of 0 or more raises ValueError.
    """

    message_bytes = 1500  # one message sent, and the room a stream's message is received in
    response_bytes = 4000  # what the former grows to, for a while, to repeat a request's many Vias
    headers = 48  # header fields indexed in a received message, 8 octets each
    transactions = 12  # at the same time; a completed answer is forgotten first
    retransmit_bytes = 6000  # all the messages kept in case they must be sent again
    sessions = 2  # calls at the same time; one more is answered 486
    early_dialogs = 4  # branches of a forked call that are followed
    ring_s = 180  # how long a call may ring, on either side
    session_expires_s = 0  # the session interval our INVITE asks for; 0: only what peers ask for
    min_se_s = 90  # the shortest session interval accepted (RFC 4028 5)
    text_bytes = 1300  # the body of a received MESSAGE; longer ones are answered 413
    connections = 4  # TCP, of ours and of peers
    stream_bytes = 3000  # of each connection: messages that wait to be written
    usages = 12  # subscriptions, subscribers, transfers at the same time; one more is answered 503
    min_expires_s = 60  # the shortest subscription or publication granted (423)
    max_expires_s = 86400  # and the longest
    discarded_body_bytes = 65536  # a stream's body nobody takes: swallowed and answered 413
    sdp_line_bytes = 256  # the longest line of a description read whole; others are cut
    sdp_media_bytes = 160  # the m= lines of an offer, as refused: about 28 octets each

    jitter_slots = 16  # 20 ms of received sound each: how much may wait to be played

    def __init__(self, **overrides) -> None:
        for name in overrides:
            if not hasattr(Limits, name):
                raise ValueError("no such limit: " + name)
            value = overrides[name]
            if not isinstance(value, int) or value < 0:
                raise ValueError(name + " must be an int of 0 or more")
            setattr(self, name, value)
