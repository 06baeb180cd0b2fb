"""Offers in the style of devices and services, written for these tests; addresses are examples.

OFFERS: (name, octets, what a phone with PCMU, PCMA and telephone-event should make of it), the
latter (status, codec, payload type, telephone-event, address, port, rtcp port, ptime, direction
bits it may use: 1 send, 2 receive, number of m= lines), or (status,) for one to refuse.
"""


def wire(text: str) -> bytes:
    """Return the lines of *text*, indentation removed, each with CRLF."""
    lines = [line.strip() for line in text.strip().split("\n")]
    return ("\r\n".join(lines) + "\r\n").encode()


FRITZBOX = wire(
    """
    v=0
    o=user 13542 13542 IN IP4 192.0.2.1
    s=call
    c=IN IP4 192.0.2.1
    t=0 0
    m=audio 7082 RTP/AVP 9 8 0 2 102 100 99 101 97 120 121
    a=sendrecv
    a=rtpmap:2 G726-32/8000
    a=rtpmap:102 G726-32/8000
    a=rtpmap:100 G726-40/8000
    a=rtpmap:99 G726-24/8000
    a=rtpmap:101 telephone-event/8000
    a=fmtp:101 0-15
    a=rtpmap:97 iLBC/8000
    a=fmtp:97 mode=30
    a=rtpmap:120 PCMA/16000
    a=rtpmap:121 PCMU/16000
    a=rtcp:7083
    """
)
ASTERISK = wire(
    """
    v=0
    o=- 1873470410 1873470410 IN IP4 192.0.2.10
    s=Asterisk
    c=IN IP4 192.0.2.10
    t=0 0
    m=audio 17038 RTP/AVP 8 0 101
    a=rtpmap:8 PCMA/8000
    a=rtpmap:0 PCMU/8000
    a=rtpmap:101 telephone-event/8000
    a=fmtp:101 0-16
    a=ptime:20
    a=maxptime:140
    a=sendrecv
    """
)
FREESWITCH = wire(
    """
    v=0
    o=FreeSWITCH 1699012345 1699012346 IN IP4 192.0.2.20
    s=FreeSWITCH
    c=IN IP4 192.0.2.20
    t=0 0
    m=audio 27656 RTP/AVP 102 9 0 8 103 101
    a=rtpmap:102 opus/48000/2
    a=fmtp:102 useinbandfec=1; maxaveragebitrate=30000; maxplaybackrate=48000; ptime=20
    a=rtpmap:9 G722/8000
    a=rtpmap:0 PCMU/8000
    a=rtpmap:8 PCMA/8000
    a=rtpmap:103 telephone-event/48000
    a=fmtp:103 0-15
    a=rtpmap:101 telephone-event/8000
    a=fmtp:101 0-15
    a=ptime:20
    """
)
CISCO = wire(
    """
    v=0
    o=Cisco-SIPUA 21438 0 IN IP4 192.0.2.30
    s=SIP Call
    b=AS:4064
    t=0 0
    m=audio 16444 RTP/AVP 114 9 124 0 8 116 18 101
    c=IN IP4 192.0.2.31
    b=TIAS:64000
    a=rtpmap:114 opus/48000/2
    a=rtpmap:9 G722/8000
    a=rtpmap:124 ISAC/16000
    a=rtpmap:0 PCMU/8000
    a=rtpmap:8 PCMA/8000
    a=rtpmap:116 iLBC/8000
    a=fmtp:116 mode=20
    a=rtpmap:18 G729/8000
    a=fmtp:18 annexb=yes
    a=rtpmap:101 telephone-event/8000
    a=fmtp:101 0-15
    a=sendrecv
    m=video 16446 RTP/AVP 97
    c=IN IP4 192.0.2.31
    b=TIAS:1000000
    a=rtpmap:97 H264/90000
    a=fmtp:97 profile-level-id=42E01F
    a=recvonly
    """
)
POLYCOM = wire(
    """
    v=0
    o=- 1467035131 1467035131 IN IP4 192.0.2.40
    s=Polycom IP Phone
    c=IN IP4 192.0.2.40
    t=0 0
    a=sendrecv
    m=audio 2226 RTP/AVP 9 102 0 8 18 127
    a=rtpmap:9 G722/8000
    a=rtpmap:102 G7221/16000
    a=fmtp:102 bitrate=32000
    a=rtpmap:0 PCMU/8000
    a=rtpmap:8 PCMA/8000
    a=rtpmap:18 G729/8000
    a=fmtp:18 annexb=no
    a=rtpmap:127 telephone-event/8000
    """
)
BROWSER = wire(
    """
    v=0
    o=- 4611731400430051336 2 IN IP4 127.0.0.1
    s=-
    t=0 0
    a=group:BUNDLE 0 1
    a=extmap-allow-mixed
    a=msid-semantic: WMS 6a1f
    m=audio 54609 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
    c=IN IP4 203.0.113.141
    a=rtcp:9 IN IP4 0.0.0.0
    a=candidate:1467250027 1 udp 2122260223 192.0.2.196 46243 typ host generation 0
    a=candidate:435653019 1 tcp 1845501695 192.0.2.196 0 typ host tcptype active
    a=ice-ufrag:Oyef7uvBlwafI3hT
    a=ice-pwd:T0teqPLNQQOf+5W+ls+P2p16
    a=ice-options:trickle
    a=fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB
    a=setup:actpass
    a=mid:0
    a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
    a=sendrecv
    a=rtcp-mux
    a=rtpmap:111 opus/48000/2
    a=rtcp-fb:111 transport-cc
    a=fmtp:111 minptime=10;useinbandfec=1
    a=rtpmap:9 G722/8000
    a=rtpmap:0 PCMU/8000
    a=rtpmap:8 PCMA/8000
    a=rtpmap:110 telephone-event/48000
    a=rtpmap:126 telephone-event/8000
    a=ssrc:3510681183 cname:loqPWNg7JMmrFUnr
    m=video 9 UDP/TLS/RTP/SAVPF 96 97
    c=IN IP4 0.0.0.0
    a=mid:1
    a=rtpmap:96 VP8/90000
    a=rtcp-fb:96 nack pli
    a=rtpmap:97 rtx/90000
    a=fmtp:97 apt=96
    """
)
IMS = wire(
    """
    v=0
    o=rue 3222 3222 IN IP6 2001:db8::1
    s=-
    c=IN IP6 2001:db8::1
    b=AS:38
    b=RS:0
    b=RR:2000
    t=0 0
    m=audio 31020 RTP/AVP 104 110 102 8 0 105 100
    b=AS:38
    b=RS:0
    b=RR:2000
    a=rtpmap:104 AMR-WB/16000/1
    a=fmtp:104 mode-change-capability=2;max-red=0
    a=rtpmap:110 AMR-WB/16000/1
    a=fmtp:110 octet-align=1;mode-change-capability=2;max-red=0
    a=rtpmap:102 AMR/8000/1
    a=rtpmap:105 telephone-event/16000
    a=fmtp:105 0-15
    a=rtpmap:100 telephone-event/8000
    a=fmtp:100 0-15
    a=curr:qos local none
    a=curr:qos remote none
    a=des:qos mandatory local sendrecv
    a=des:qos optional remote sendrecv
    a=sendrecv
    a=ptime:20
    a=maxptime:240
    """
)
HIKVISION = wire(
    """
    v=0
    o=1001 2130 2130 IN IP4 192.0.2.50
    s=Hikvision
    c=IN IP4 192.0.2.50
    t=0 0
    m=audio 0 RTP/AVP 0 8
    a=rtpmap:0 PCMU/8000
    a=rtpmap:8 PCMA/8000
    m=video 0 RTP/AVP 96
    a=rtpmap:96 H264/90000
    """
)
TWILIO = wire(
    """
    v=0
    o=root 1480421321 1480421321 IN IP4 203.0.113.7
    s=Twilio Media Gateway
    c=IN IP4 203.0.113.7
    t=0 0
    m=audio 11966 RTP/AVP 0 101
    a=rtpmap:0 PCMU/8000
    a=rtpmap:101 telephone-event/8000
    a=fmtp:101 0-16
    a=ptime:20
    a=maxptime:20
    a=sendrecv
    """
)
PJSIP = wire(
    """
    v=0
    o=- 3975674489 3975674489 IN IP4 192.0.2.105
    s=pjmedia
    b=AS:117
    t=0 0
    a=X-nat:0
    m=audio 4027 RTP/AVP 96 97 3 0 8 9 100 120 121 122 123
    c=IN IP4 192.0.2.105
    b=TIAS:96000
    a=rtcp:4018 IN IP4 192.0.2.105
    a=sendrecv
    a=rtpmap:96 speex/16000
    a=rtpmap:97 speex/8000
    a=rtpmap:3 GSM/8000
    a=rtpmap:0 PCMU/8000
    a=rtpmap:8 PCMA/8000
    a=rtpmap:9 G722/8000
    a=rtpmap:100 opus/48000/2
    a=rtpmap:120 telephone-event/16000
    a=fmtp:120 0-16
    a=rtpmap:121 telephone-event/8000
    a=fmtp:121 0-16
    a=rtpmap:122 telephone-event/32000
    a=rtpmap:123 telephone-event/48000
    a=ssrc:445830440 cname:636cc9b769df6901
    """
)
OPTIONAL_SRTP = wire(
    """
    v=0
    o=- 20518 0 IN IP4 203.0.113.1
    s=-
    c=IN IP4 203.0.113.1
    t=0 0
    m=audio 49170 RTP/SAVP 0 8
    a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:32
    m=audio 49172 RTP/AVP 8 0
    a=ptime:30
    a=rtcp:53020
    """
)

OFFERS = (
    ("FRITZ!Box", FRITZBOX, (0, b"PCMA", 8, 101, b"192.0.2.1", 7082, 7083, 20, 3, 1)),
    ("Asterisk", ASTERISK, (0, b"PCMA", 8, 101, b"192.0.2.10", 17038, 17039, 20, 3, 1)),
    ("FreeSWITCH", FREESWITCH, (0, b"PCMU", 0, 101, b"192.0.2.20", 27656, 27657, 20, 3, 1)),
    ("Cisco", CISCO, (0, b"PCMU", 0, 101, b"192.0.2.31", 16444, 16445, 20, 3, 2)),
    ("Polycom", POLYCOM, (0, b"PCMU", 0, 127, b"192.0.2.40", 2226, 2227, 20, 3, 1)),
    ("browser", BROWSER, (488,)),
    ("IMS", IMS, (0, b"PCMA", 8, 100, b"2001:db8::1", 31020, 31021, 20, 3, 1)),
    ("Hikvision", HIKVISION, (0, b"", -1, -1, b"", 0, 0, 20, 0, 2)),
    ("Twilio", TWILIO, (0, b"PCMU", 0, 101, b"203.0.113.7", 11966, 11967, 20, 3, 1)),
    ("pjsip", PJSIP, (0, b"PCMU", 0, 121, b"192.0.2.105", 4027, 4018, 20, 3, 1)),
    (
        "SRTP or not",
        OPTIONAL_SRTP,
        (0, b"PCMA", 8, -1, b"203.0.113.1", 49172, 53020, 30, 3, 2),
    ),
)
