"""Implicit registration sets from P-Associated-URI."""

from usip.ims import identities


def implicit(*values):
    one = identities.ImplicitSet()
    for value in values:
        one.add(value, 0, len(value))
    return one


def test_the_first_identity_is_the_default():
    one = implicit(b"<sip:alice@h>, <tel:+15550100001>,<sip:+15550100001@h;user=phone>")
    assert one.uris[0] == b"sip:alice@h"
    assert len(one.uris) == 3 and one.ignored == 0


def test_several_fields_are_one_list_and_a_new_200_replaces_it():
    one = implicit(b"<sip:a@h>", b"<sip:b@h>,<sip:a@h>")
    assert one.uris == [b"sip:a@h", b"sip:b@h"]
    one.clear()
    assert one.uris == []
    one.add(b"xx<sip:c@h>yy", 2, 11)
    assert one.uris == [b"sip:c@h"]


def test_display_names_parameters_and_quotes_do_not_mislead():
    one = implicit(b'"A, <sip:evil@h>\\"" <sip:a@h>;x="y,<sip:z@h>" , Bob <sip:b@h>')
    assert one.uris[0] == b"sip:a@h" and one.uris[-1] == b"sip:b@h"
    assert b"sip:evil@h" not in one.uris


def test_an_identity_is_found_by_what_names_the_user():
    one = implicit(b"<sip:alice@H.example>,<tel:+1-555-010-0001>,<tel:7042;phone-context=h>")
    for uri, index in (
        (b"sip:alice@h.EXAMPLE", 0),
        (b"sip:alice@h.example:5060;transport=tcp", 0),
        (b"sips:alice:pw@h.example?Subject=x", 0),
        (b"SIP:alice@h.example", 0),
        (b"tel:+15550100001", 1),
        (b"TEL:+1(555)010.0001;ext=3", 1),
        (b"sip:+15550100001@anywhere;user=phone", 1),
        (b"tel:7042", 2),
        (b"sip:+15550100001@anywhere", -1),
        (b"sip:Alice@h.example", -1),
        (b"sip:h.example", -1),
        (b"mailto:alice@h.example", -1),
        (b"", -1),
        (b":", -1),
    ):
        assert one.find(uri) == index, uri


def test_more_and_longer_than_fits_is_counted_not_kept():
    one = implicit(b",".join(b"<sip:%d@h>" % i for i in range(20)))
    assert len(one.uris) == 8 and one.ignored == 12
    one = implicit(b"<sip:" + b"a" * 200 + b"@h>,<sip:b@h>")
    assert one.uris == [b"sip:b@h"] and one.ignored == 1


def test_anything_at_all_is_survived():
    whole = b'"x" <sip:a@h>;p="q\\"", <tel:+1-5>, \xff\x00 <>,<<>>,"'
    for start in range(len(whole)):
        for end in range(start, len(whole) + 1):
            one = identities.ImplicitSet()
            one.add(whole, start, end)
            assert len(one.uris) <= 3
    for uri in (b"sip:", b"sip:@", b"tel:", b"sip:a@[::1]:5060", b"sip:a@b@c", b"sip:;user=phone"):
        assert isinstance(identities.key(uri), bytes)
    assert identities.key(b"sip:a@[::1]:5060") == b"sip:a@[::1]"
