"""What tools.overlay takes out of the bundles: which methods make which unit.

A unit is what one moment of a phone's life needs: so that little is loaded at once, and that
nothing comes twice for one message.
"""

# Unit -> module -> what it gives: methods `name` or `Class.name`, functions `name()`, and `*` for
# all methods but those of RESIDENT. What has two underscores or is a coroutine, only by its name.
UNITS = {
    "usip/starting": {
        "usip/agent": "__init__ start close _is_leaving application remove network_changed",
        "usip/core": "__init__ add_account",
        "usip/net/transport": "__init__ open close",
        "usip/sip/registration": "Account.__init__ Registration.__init__ attach",
        "usip/sip/transaction": "Transactions.__init__",
        "usip/sip/auth": "__init__",
        "usip/sip/dispatch": "add remove packages",
        "usip/net/udp": "DatagramSocket.__init__",
    },
    "usip/registering": {
        "usip/sip/auth": "*",
        "usip/sip/registration": "* refresh_after_s()",
        "usip/sip/headers": "Challenge.* next_challenge",
        "usip/sip/request": "accept_challenge",
        "usip/agent": "register unregister",
    },
    "usip/requesting": {
        "usip/sip/request": "*",
        "usip/sip/session": "__init__",
        "usip/sip/registration": "name_addr",
        "usip/sip/auth": "put",
        "usip/sip/respond": "put_capabilities put_allow",
        "usip/sip/dialog": "__init__ fork establish_from_response establish_from_request "
        "refresh_target request_uri route next_hop _strict",
        "usip/sip/compose": "put_request() put_from_invite()",
        "usip/net/address": "local_host()",
    },
    "usip/comparing": {"usip/sip/uri": "__eq__ equal()"},
    "usip/asking": {
        "usip/agent": "options message subscribe publish make_tone find_call describe",
        "usip/switchboard": "describe()",
        "usip/core": "options message subscribe notify publish refer",
    },
    "usip/placing": {
        "usip/agent": "place account make_call",
        "usip/switchboard": "place() make_call() make_arrays()",
        "usip/core": "invite start_session add_session",
        "usip/call": "__init__ open_audio fit",
        "usip/net/media": "__init__ free_path()",
        "usip/net/udp": "MediaSocket.__init__ MediaSocket._open MediaSocket._watch",
        "usip/exchange": "__init__",
    },
    "usip/calling": {"usip/sip/uac": "* __init__"},
    "usip/serving": {
        "usip/sip/uas": "* __init__ receive()",
        "usip/core": "account_of",
        "usip/agent": "create_media serve",
        "usip/switchboard": "create_media() _handle_received() settle_offered()",
        "usip/call": "ring accept reject",
    },
    "usip/settling": {
        "usip/sip/offer": "take_offer take_answer put_description",
        "usip/sip/session": "begin accept receive_ack "
        "send_ack note_capabilities proceed stop_timers take_interval refuse_interval",
        "usip/call": "answered update_media progress",
        "usip/agent": "make_stream make_negotiator place_media follow",
        "usip/switchboard": "handle() find() follow() make_stream() make_negotiator() "
        "place_media()",
        "usip/exchange": "*",
        "usip/net/media": "follow",
        "usip/net/udp": "set_remote _latch",
    },
    "usip/ending": {
        "usip/sip/session": "hang_up _bye end _end_later give_up abandon _receive_bye fail "
        "transaction_failed",
        "usip/core": "remove_session",
        "usip/call": "hang_up end duration_ms _starve",
        "usip/agent": "release complain",
        "usip/switchboard": "release_call() close_path()",
        "usip/net/media": "close",
        "usip/net/udp": "MediaSocket.close",
    },
    "usip/changing": {
        "usip/sip/session": "*",
        "usip/sip/offer": "refuse_offer",
        "usip/call": "hold resume update transfer _ask _modify take_audio receive_info dtmf "
        "_send_digit",
        "usip/core": "_receive_cancel",
    },
    "usip/reading": {
        "usip/sdp/remote": "* __init__",
        "usip/sdp/read": "* __init__",
        "usip/sdp/negotiate": "receive_offer receive_answer begin feed finish _begin_reading "
        "_read_lines _read _next _enter _set_media _set_stream",
    },
    "usip/writing": {
        "usip/sdp/local": "*",
        "usip/sdp/write": "*",
        "usip/sdp/negotiate": "put_offer put_answer",
    },
    "usip/sounding": {
        "usip/rtp/stream": "__init__ configure detect_tones send_digit",
        "usip/rtp/report": "__init__ estimate_mos()",
        "usip/rtp/sender": "__init__ set_ptime",
        "usip/rtp/playout": "__init__",
        "usip/rtp/jitter": "__init__",
        "usip/rtp/event": "__init__ queue",
        "usip/rtp/digits": "__init__",
    },
    "usip/refusing": {
        "usip/core": "_refuse_starved",
        "usip/sip/respond": "refuse refuse_method refuse_body refuse_content_type respond_later "
        "refuse_incomplete respond_statelessly answer_options refuse_requirements",
        "usip/net/udp": "DatagramSocket._receive_smaller _revive",
    },
}

# Module -> methods that stay: what each tick, each message and each timer runs.
RESIDENT = {
    "usip/sip/registration": "handle_timer",
    "usip/sip/session": "matches next_deadline handle_timer allowed require",
    "usip/sip/uac": "matches",
    "usip/exchange": "rest _wake",
}
