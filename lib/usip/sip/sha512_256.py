"""SHA-512/256 (FIPS 180-4 5.3.6, 6.7) for RFC 7616 digests; MicroPython's hashlib lacks it.

The constants are the fractions of roots of the first primes (4.2.3, 5.3.5), worked out at first
use instead of stored. Plain integers of 64 bits: about 150 KB of garbage a block on a 32-bit VM,
which is why this module is imported only when a server offers nothing else.
"""

_MASK = (1 << 64) - 1


def _primes(n: int) -> list:
    found = []
    candidate = 2
    while len(found) < n:
        if all(candidate % prime for prime in found):
            found.append(candidate)
        candidate += 1
    return found


def _fraction(prime: int, degree: int) -> int:
    """Return the first 64 bits of the fraction of the root of *degree* of *prime*."""
    target = prime << 64 * degree
    low, high = 0, prime << 64
    while high - low > 1:
        middle = (low + high) >> 1
        if middle**degree <= target:
            low = middle
        else:
            high = middle
    return low & _MASK


def _rotated(x: int, n: int) -> int:
    return (x >> n | x << 64 - n) & _MASK


def _schedule(block) -> list:
    words = [int.from_bytes(block[i : i + 8], "big") for i in range(0, 128, 8)]
    for t in range(16, 80):
        x, y = words[t - 15], words[t - 2]
        small = _rotated(x, 1) ^ _rotated(x, 8) ^ x >> 7
        large = _rotated(y, 19) ^ _rotated(y, 61) ^ y >> 6
        words.append((words[t - 16] + small + words[t - 7] + large) & _MASK)
    return words


def _compress(state: list, constants: list, block) -> list:
    a, b, c, d, e, f, g, h = state
    words = _schedule(block)
    for t in range(80):
        t1 = h + (_rotated(e, 14) ^ _rotated(e, 18) ^ _rotated(e, 41))
        t1 += (e & f ^ ~e & g) + constants[t] + words[t]
        t2 = (_rotated(a, 28) ^ _rotated(a, 34) ^ _rotated(a, 39)) + (a & b ^ a & c ^ b & c)
        h, g, f, e, d, c, b, a = g, f, e, (d + t1) & _MASK, c, b, a, (t1 + t2) & _MASK
    return [(x + y) & _MASK for x, y in zip(state, (a, b, c, d, e, f, g, h))]


def _sha512(state: list, constants: list, message: bytes) -> list:
    length = len(message)
    padding = b"\x80" + bytes((111 - length) % 128) + (8 * length).to_bytes(16, "big")
    message += padding
    for at in range(0, len(message), 128):
        state = _compress(state, constants, message[at : at + 128])
    return state


def digest(message: bytes) -> bytes:
    """Return the 32 octets of the SHA-512/256 of *message*."""
    primes = _primes(80)
    constants = [_fraction(prime, 3) for prime in primes]
    initial = [_fraction(prime, 2) ^ 0xA5A5A5A5A5A5A5A5 for prime in primes[:8]]
    initial = _sha512(initial, constants, b"SHA-512/256")
    state = _sha512(initial, constants, message)
    return b"".join([word.to_bytes(8, "big") for word in state[:4]])
