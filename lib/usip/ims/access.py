"""Which access point a board's Wi-Fi is at, for P-Access-Network-Info (TS 24.229 7.2A.4).

Needed once, when an account without a configured `bssid` starts.
"""


def find_bssid() -> bytes:
    """Return the six octets of the access point; b"" without Wi-Fi or connection.

    Where the port tells the network's name only, the strongest access point of that name in a
    scan is it; the scan takes two seconds on an ESP32.
    """
    try:
        import network
    except ImportError:
        return b""
    if not hasattr(network, "WLAN"):
        return b""
    station = network.WLAN(network.STA_IF)
    if not station.isconnected():
        return b""
    try:
        return bytes(station.config("bssid"))
    except (ValueError, TypeError, OSError):  # not a thing that this port tells
        return _scan(station)


def _scan(station) -> bytes:
    try:
        name = station.config("ssid")
        found = station.scan()
    except (ValueError, TypeError, OSError):
        return b""
    best = b""
    strength = -1000
    for entry in found:  # (ssid, bssid, channel, RSSI ...)
        if entry[0] == name.encode() and entry[3] > strength:
            best = bytes(entry[1])
            strength = entry[3]
    return best
