"""Byte strings nobody should send, the same from the same seed on CPython and on MicroPython."""


class Chance:
    """Numbers by chance: a 32-bit xorshift (Marsaglia 2003), as neither `random` is the other's."""

    def __init__(self, seed):
        self._state = seed or 1

    def below(self, n):
        """0..n-1."""
        x = self._state
        x ^= x << 13 & 0xFFFFFFFF
        x ^= x >> 17
        x ^= x << 5 & 0xFFFFFFFF
        self._state = x
        return x % n

    def bytes(self, n):
        """`n` bytes."""
        return bytes([self.below(256) for _ in range(n)])


def strings(count, seed, samples, longest=400):
    """`count` byte strings: `samples` (bytes) spoiled in a few places, some of them noise."""
    chance = Chance(seed)
    for _ in range(count):
        if chance.below(8) == 0:
            yield chance.bytes(chance.below(64))
            continue
        data = bytearray(samples[chance.below(len(samples))])
        for _ in range(chance.below(4)):
            at = chance.below(len(data) + 1)
            how = chance.below(6)
            if how == 0 and at < len(data):
                data[at] ^= 1 << chance.below(8)
            elif how == 1 and at < len(data):
                data[at] = chance.below(256)
            elif how == 2:
                data = data[:at]
            elif how == 3:
                data = data[:at] + chance.bytes(chance.below(9)) + data[at:]
            elif how == 4:
                data = data[:at] + data[at + chance.below(9) :]
            else:
                other = samples[chance.below(len(samples))]
                data = data[:at] + other[chance.below(len(other) + 1) :]
        yield bytes(data[:longest])
