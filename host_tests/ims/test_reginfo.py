"""Registration information read in pieces, and what a phone concludes from it."""

from fakes.noalloc import NoAlloc

from usip.ims import reginfo
from usip.ims.identities import ImplicitSet

TYPE = b"application/reginfo+xml"
ACTIVE, TERMINATED = 14, 15
NOTHING, CHANGED, REGISTER, RETRY, ENDED, REFRESH, RESUBSCRIBE, MALFORMED = range(8)

# After RFC 3680 5.4, with what networks add.
DOCUMENT = b"""<?xml version="1.0" encoding="UTF-8"?>
<!-- a -- comment > -->
<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" xmlns:g="urn:ietf:params:xml:ns:gruuinfo"
    version="7" state="full">
  <registration aor="sip:alice@h" id="a1" state="active">
    <contact id="c1" state="active" event="registered" expires="593" q="1"
        callid="x &lt;y" cseq="4">
      <uri>sip:alice@192.0.2.1:5060;transport=tcp&amp;x=1</uri>
      <display-name>A &quot;B&quot;</display-name>
      <unknown-param name="+sip.instance">"&lt;urn:uuid:01&gt;"</unknown-param>
      <unknown-param name="+g.3gpp.smsip"/>
      <g:pub-gruu uri="sip:alice@h;gr=urn:uuid:01"/>
    </contact>
    <contact id='c2' state='terminated' event='probation' retry-after='30'><uri> sip:b@c
    </uri></contact>
  </registration>
  <ri:registration xmlns:ri="urn:ietf:params:xml:ns:reginfo" state="terminated" aor="tel:+1"/>
</reginfo>
"""
SEEN = [
    (b"sip:alice@h", ACTIVE),
    (b"sip:alice@192.0.2.1:5060;transport=tcp&x=1", b"urn:uuid:01", ACTIVE, 16, 593, -1),
    (b"sip:b@c", b"", TERMINATED, 22, -1, 30),
    (b"tel:+1", TERMINATED),
]


class Recorder(reginfo.Reader):
    """Notes what is read: Reader.at holds spans of the text, then words and numbers."""

    seen = ()

    def registration(self):
        self.seen.append((bytes(self.text[: self.at[0]]), self.at[6]))

    def contact(self):
        at = self.at
        uri = bytes(self.text[at[1] : at[2]])
        self.seen.append((uri, bytes(self.text[at[3] : at[4]]), at[6], at[8], at[9], at[10]))


def begun(text_bytes=384):
    reader = Recorder(text_bytes)
    reader.seen = []
    assert reader.begin(TYPE, 0, len(TYPE))
    return reader


def read(octets, step=0, text_bytes=384):
    """Return (well-formed, what was seen, reader) of a document fed *step* octets at a time."""
    reader = begun(text_bytes)
    for at in range(0, len(octets), step or len(octets) or 1):
        reader.feed(octets, at, min(len(octets), at + (step or len(octets))))
    return reader.finish(), reader.seen, reader


def test_a_document_of_rfc_3680():
    good, seen, reader = read(DOCUMENT)
    assert good and seen == SEEN
    assert reader.at[5] == 7 and reader.at[11] and not reader.overlong


def test_reading_does_not_depend_on_how_the_octets_arrive():
    for step in list(range(1, 40)) + [100, 1000]:
        good, seen, reader = read(DOCUMENT, step)
        assert good and seen == SEEN, step
    for cut in range(0, len(DOCUMENT), 7):
        reader = begun()
        reader.feed(b"<<" + DOCUMENT + b"<<", 2, 2 + cut)
        reader.feed(b"<<" + DOCUMENT + b"<<", 2 + cut, 2 + len(DOCUMENT))
        assert reader.finish() and reader.seen == SEEN, cut


def test_no_truncated_document_is_complete():
    last = len(DOCUMENT) - 2  # behind </reginfo> follows a line end only
    for end in range(last):
        assert not read(DOCUMENT[:end])[0], end


def test_reading_uses_no_heap():
    reader = reginfo.Reader()
    reader.begin(TYPE, 0, len(TYPE))
    reader.feed(DOCUMENT, 0, len(DOCUMENT))
    with NoAlloc():
        reader.begin(TYPE, 0, len(TYPE))
        reader.feed(DOCUMENT, 0, len(DOCUMENT))
    assert reader.finish()


def test_a_reader_serves_one_document_after_the_other():
    reader = begun()
    for octets, good in (
        (b"<a", False),
        (DOCUMENT, True),
        (b"<!DOCTYPE", False),
        (DOCUMENT, True),
    ):
        reader.seen = []
        reader.begin(TYPE, 0, len(TYPE))
        reader.feed(octets, 0, len(octets))
        assert reader.finish() == good
        assert reader.seen == (SEEN if good else [])


def test_other_content_types_are_refused():
    reader = reginfo.Reader()
    for kind, good in (
        (b"application/reginfo+xml", True),
        (b"Application/RegInfo+XML ; charset=utf-8", True),
        (b"application/reginfo+xmlx", False),
        (b"application/pidf+xml", False),
        (b"", False),
        (b";", False),
    ):
        assert reader.begin(kind, 0, len(kind)) == good, kind


def test_broken_documents_are_not_well_formed():
    for octets in (
        b"",
        b"   ",
        b"hello",
        b"<a>",
        b"</a>",
        b"<a></a></a>",
        b"<a b></a>",
        b"<a b=c></a>",
        b"<a b='c></a>",
        b"<a b='<'></a>",
        b"<a/ >",
        b"< a/>",
        b"<a></a x=>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>",
        b"<![CDATA[x]]><a/>",
        b"<a><!-x></a>",
        b"<registration aor='&unknown;'/>",
        b"<registration aor='&amp'/>",
        b"<registration aor='&#0;'/>",
        b"<registration aor='&#x110000;'/>",
        b"<registration aor='&#99999999999;'/>",
        b"<registration aor='&#xfffffffffffffffff;'/>",
        b"<registration aor='&;'/>",
        b"<registration aor='a' aor='b'/>",
        b"<a>" * 17 + b"</a>" * 17,
        b"<a>" * 100000,
        b"\xff\xfe<\x00a\x00/\x00>\x00",
        b"\x00" * 100,
    ):
        assert not read(octets)[0], octets[:40]
    assert read(b"<a>" * 16 + b"</a>" * 16)[0]


def test_characters_by_number_are_read():
    seen = read(b"<registration aor='&#115;i&#x70;:a&#x4A;@h' state='init'/>")[1]
    assert seen == [(b"sip:aJ@h", 13)]


def test_texts_that_do_not_fit_are_empty_and_counted():
    uri = b"x" * 500
    octets = (
        b'<registration aor="sip:a@h" state="active"><contact state="active"><uri>%s</uri>'
        b'</contact><contact state="active" event="created"><uri>sip:b</uri></contact>'
        b"</registration>" % uri
    )
    good, seen, reader = read(octets)
    assert good and reader.overlong == 1
    assert seen[1][0] == b"" and seen[2][0] == b"sip:b"
    good, seen, reader = read(octets.replace(b"sip:a@h", uri))
    assert good and seen[0][0] == b"" and reader.overlong == 2
    assert read(DOCUMENT, 3, 16)[0]  # hardly anything fits: still walked to its end


def test_words_out_of_place_are_none_that_is_asked_for():
    seen = read(
        b"<registration state='registered' aor='a'><uri>no</uri>"
        b"<contact state='full' event='active' expires='-1' retry-after='x'><uri/></contact>"
        b"<x><contact/></x></registration>"
    )[1]
    assert seen == [(b"a", 16), (b"", b"", 12, 14, -1, -1), (b"", b"", -1, -1, -1, -1)]


# -- conclusions


def document(version, body, state="full"):
    head = '<reginfo version="%d" state="%s">' % (version, state)
    return head.encode() + body + b"</reginfo>"


def registration(aor, state, event="registered", contact="sip:u@192.0.2.1:5060", more=""):
    contact_state = "terminated" if event in ENDINGS else "active"
    return (
        '<registration aor="%s" state="%s"><contact state="%s" event="%s"%s><uri>%s</uri>'
        "</contact></registration>" % (aor, state, contact_state, event, more, contact)
    ).encode()


ENDINGS = ("expired", "deactivated", "probation", "unregistered", "rejected")


def subscribed():
    identities = ImplicitSet()
    value = b"<sip:a@h>,<tel:+1>"
    identities.add(value, 0, len(value))
    return reginfo.RegEvent(identities, b"sip:u@192.0.2.1:5060;ob", b"urn:uuid:01")


def notify(event, octets):
    assert event.begin(TYPE, 0, len(TYPE))
    event.feed(octets, 0, len(octets))
    return event.finish()


def both(state, how, **settings):
    return registration("sip:a@h", state, how, **settings) + registration(
        "tel:+1", state, how, **settings
    )


def test_an_active_registration_asks_for_nothing():
    event = subscribed()
    assert notify(event, document(0, both("active", "registered"))) == NOTHING
    assert notify(event, document(1, b"", "partial")) == NOTHING
    assert len(event.identities.uris) == 2


def test_all_identities_ended_says_what_to_do():
    for how, verdict in (
        ("deactivated", REGISTER),
        ("rejected", ENDED),
        ("unregistered", ENDED),
        ("expired", ENDED),
        ("probation", RETRY),
    ):
        event = subscribed()
        body = both("terminated", how, more=' retry-after="17"')
        assert notify(event, document(0, body)) == verdict, how
        assert event.identities.uris == []
        assert event.retry_after_s == 17


def test_one_identity_ended_leaves_the_others():
    event = subscribed()
    body = registration("sip:a@h", "active", "deactivated") + registration("tel:+1", "active")
    assert notify(event, document(0, body)) == CHANGED
    assert event.identities.uris == [b"tel:+1"]


def test_other_contacts_and_other_identities_are_not_ours():
    event = subscribed()
    body = registration("sip:a@h", "active", "deactivated", "sip:u@192.0.2.2:5060")
    body += registration("sip:other@h", "terminated", "rejected")
    assert notify(event, document(0, body)) == NOTHING
    assert len(event.identities.uris) == 2


def test_a_contact_is_known_by_its_instance_too():
    event = subscribed()
    body = (
        b"<registration aor='sip:a@h' state='active'><contact state='terminated' event='rejected'>"
        b"<uri>sip:elsewhere</uri><unknown-param name='+sip.instance'>\"&lt;urn:uuid:01&gt;\""
        b"</unknown-param></contact></registration>"
    )
    assert notify(event, document(0, body)) == CHANGED


def test_a_shortened_time_asks_for_a_refresh():
    event = subscribed()
    body = registration("sip:a@h", "active", "shortened", more=' expires="60"')
    assert notify(event, document(0, body)) == REFRESH and event.expires_s == 60


def test_versions_are_followed():
    event = subscribed()
    assert notify(event, document(5, b"", "partial")) == RESUBSCRIBE
    assert notify(event, document(6, b"")) == NOTHING
    assert notify(event, document(6, both("terminated", "rejected"))) == MALFORMED
    assert notify(event, document(8, both("terminated", "rejected"), "partial")) == RESUBSCRIBE
    assert notify(event, document(7, b"", "partial")) == NOTHING
    assert notify(event, document(9, b"")) == NOTHING  # a full one needs none before it
    assert len(event.identities.uris) == 2
    event.version = -1
    assert notify(event, document(0, b"")) == NOTHING


def test_half_a_document_changes_nothing():
    event = subscribed()
    octets = document(0, both("terminated", "rejected"))
    for end in range(len(octets)):
        assert notify(event, octets[:end]) == MALFORMED
    assert len(event.identities.uris) == 2
    assert notify(event, octets.replace(b'version="0"', b"")) == MALFORMED
    assert notify(event, octets) == ENDED
