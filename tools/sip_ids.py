"""The master table of header and method ids; every `_H_*` and `_M_*` copy in lib/ agrees.

An id is its place in the list; 0 is an unknown method and an extension header field.
"""

METHODS = (
    "- INVITE ACK BYE CANCEL OPTIONS REGISTER MESSAGE SUBSCRIBE NOTIFY PUBLISH UPDATE PRACK REFER "
    "INFO"
).split()

HEADERS = (
    "- Via From To Call-ID CSeq Contact Max-Forwards Content-Length Content-Type Route "
    "Record-Route Expires Authorization Proxy-Authorization WWW-Authenticate Proxy-Authenticate "
    "Require Supported Allow Proxy-Require Unsupported Min-Expires Retry-After Event "
    "Subscription-State Refer-To Referred-By Replaces RSeq RAck Session-Expires Min-SE Accept "
    "Allow-Events SIP-ETag SIP-If-Match Path Service-Route P-Associated-URI P-Asserted-Identity "
    "P-Preferred-Identity P-Called-Party-ID Alert-Info Call-Info Reason Warning User-Agent Server "
    "Content-Encoding Content-Disposition Accept-Contact Security-Server Refer-Sub Answer-Mode "
    "Priv-Answer-Mode Authentication-Info Privacy History-Info Diversion Remote-Party-ID Date "
    "Subject In-Reply-To Timestamp MIME-Version Reply-To Join Target-Dialog Flow-Timer "
    "Info-Package Recv-Info Organization Priority Request-Disposition Reject-Contact "
    "Accept-Encoding Accept-Language Content-Language Error-Info Security-Client Security-Verify"
).split()


def constants() -> dict:
    """Return {"_M_INVITE": 1, ... "_H_CALL_ID": 4, ...}."""
    table = {"_M_UNKNOWN": 0, "_H_UNKNOWN": 0, "_H_EXTENSION": 0}
    for prefix, names in (("_M_", METHODS), ("_H_", HEADERS)):
        for number, name in enumerate(names[1:], 1):
            table[prefix + name.upper().replace("-", "_")] = number
    return table
