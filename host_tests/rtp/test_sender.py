"""sender: frames of 20 ms in, packets of any length out."""

from array import array

from host_tests.fakes.noalloc import NoAlloc
from usip.rtp import g711
from usip.rtp.sender import Sender

SEED = b"\xaa\xbb\xcc\xdd\xff\xfe\xff\xff\xff\x00"  # both numbers wrap soon
FIRST_TIMESTAMP = 0xFFFFFF00


def frame(n):
    return array("h", [(n * 160 + i) * 7 % 20000 - 10000 for i in range(160)])


def sent(sender, frames):
    """Return the packets of so many frames."""
    out = []
    for n in range(frames):
        length = sender.pack(frame(n))
        while length:
            assert len(sender.view) == length
            out.append(bytes(sender.view))
            length = sender.pack_more()
    return out


def sequence(packet):
    return packet[2] << 8 | packet[3]


def timestamp(packet):
    return (int.from_bytes(packet[4:8], "big") - FIRST_TIMESTAMP) & 0xFFFFFFFF


def test_headers_count_through_their_wraps():
    packets = sent(Sender(SEED), 5)
    assert [sequence(p) for p in packets] == [0xFFFE, 0xFFFF, 0, 1, 2]
    assert [timestamp(p) for p in packets] == [0, 160, 320, 480, 640]
    assert [p[:2] for p in packets] == [b"\x80\x80"] + [b"\x80\x00"] * 4
    assert all(p[8:12] == SEED[:4] for p in packets)


def test_every_ptime_carries_the_same_sound():
    whole = bytearray(160 * 12)
    for n in range(12):
        g711.ulaw_encode(frame(n), 0, whole, 160 * n, 160)
    for ptime in (10, 20, 30, 40, 50, 60):
        sender = Sender(SEED)
        sender.set_ptime(ptime)
        packets = sent(sender, 12)
        assert all(len(p) == 12 + 8 * ptime for p in packets), ptime
        assert [timestamp(p) for p in packets] == [8 * ptime * n for n in range(len(packets))]
        sound = b"".join(p[12:] for p in packets)
        assert sound == bytes(whole[: len(sound)]) and len(whole) - len(sound) < 8 * ptime


def test_alaw_is_sent_with_its_payload_type():
    sender = Sender(SEED)
    sender.payload_type = 8
    sender.is_alaw = True
    packet = sent(sender, 1)[0]
    out = bytearray(160)
    g711.alaw_encode(frame(0), 0, out, 0, 160)
    assert packet[1] & 127 == 8 and packet[12:] == bytes(out)


def test_a_digit_takes_the_place_of_sound_and_keeps_its_timestamp():
    sender = Sender(SEED)
    sender.event_type = 101
    packets = sent(sender, 2)
    sender.events.queue(5, 60)
    packets += sent(sender, 9)
    events = [p for p in packets if p[1] & 127 == 101]
    assert [p[1] >> 7 for p in events] == [1, 0, 0, 0, 0]
    assert [timestamp(p) for p in events] == [320] * 5
    assert [p[12:] for p in events] == [
        b"\x05\x0a\x00\xa0",
        b"\x05\x0a\x01\x40",
        b"\x05\x8a\x01\xe0",
        b"\x05\x8a\x01\xe0",
        b"\x05\x8a\x01\xe0",
    ]
    assert [sequence(p) for p in packets] == [(0xFFFE + n) & 0xFFFF for n in range(len(packets))]
    assert timestamp(packets[-1]) == 10 * 160  # sound goes on where the clock is
    assert packets[-1][1] == 0


def test_a_digit_in_the_middle_of_a_long_packet_begins_at_its_own_time():
    sender = Sender(SEED)
    sender.event_type = 101
    sender.set_ptime(60)
    packets = sent(sender, 4)  # one packet and a third of the next
    sender.events.queue(1, 40)
    packets += sent(sender, 12)
    events = [p for p in packets if p[1] & 127 == 101]
    assert timestamp(events[0]) == 4 * 160
    assert timestamp(packets[-1]) % 160 == 0 and packets[-1][1] == 0


def test_a_long_digit_moves_its_timestamp_with_each_segment():
    sender = Sender(SEED)
    sender.event_type = 101
    sender.events.queue(11, 9000)
    packets = sent(sender, 460)
    stamps = []
    for p in packets:
        if p[1] & 127 == 101 and timestamp(p) not in stamps:
            stamps.append(timestamp(p))
    assert stamps == [0, 65280]


def test_frames_let_go_by_move_the_timestamp_and_set_the_marker():
    sender = Sender(SEED)
    sent(sender, 1)
    sender.skip()
    sender.skip()
    packet = sent(sender, 1)[0]
    assert timestamp(packet) == 480 and packet[1] == 0x80
    assert sequence(packet) == 0xFFFF


def test_comfort_noise_carries_its_level():
    sender = Sender(SEED)
    sent(sender, 1)
    assert sender.pack_noise(60) == 13
    assert sender.view[1] == 13 and sender.view[12] == 60
    assert timestamp(bytes(sender.view)) == 160
    packet = sent(sender, 1)[0]
    assert timestamp(packet) == 320 and packet[1] == 0x80


def test_sending_uses_no_heap():
    for ptime in (10, 20, 30, 60):
        sender = Sender(SEED)
        sender.event_type = 101
        sender.set_ptime(ptime)
        pcm = frame(0)
        with NoAlloc():
            sender.events.queue(5, 100)
            for n in range(60):
                if sender.pack(pcm):
                    while sender.pack_more():
                        pass
                if n == 40:
                    sender.skip()
                    sender.pack_noise(60)
