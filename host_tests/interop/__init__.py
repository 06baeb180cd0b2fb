"""The phone against SIP software that is not ours: Kamailio, baresip and SIPp.

`make interop` runs these tests. Every test talks to real programs over loopback UDP; each
program gets free ports, its own folder under build/interop/ for configuration, log and
recordings, and is ended when its test ends, however that test went.
"""
