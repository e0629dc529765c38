"""The field Fp of the Pasta curves, and the multilinear functions that the protocol is made of.

docs/protocol.md, "Notation". Points are lists of field elements, most significant variable first.
"""

P = 0x40000000000000000000000000000000224698FC094CF91B992D30ED00000001

# A generator of the subgroup of order 2^32 (protocol.md, section 8): 5 ^ ((p - 1) / 2^32).
TWO_ADICITY = 32
TWO_ADIC_ROOT = pow(5, (P - 1) >> TWO_ADICITY, P)

HALF = (P + 1) // 2


def root_of_unity(log):
    """The generator of the subgroup of order 2^log."""
    return pow(TWO_ADIC_ROOT, 1 << (TWO_ADICITY - log), P)


def inverse(x):
    return pow(x, -1, P)


def log2_ceil(n):
    """The number of variables that number n things."""
    return (n - 1).bit_length()


def bits_of(value, count):
    """The lowest `count` bits of an integer as a point, most significant first."""
    return [(value >> i) & 1 for i in reversed(range(count))]


def eq(a, b):
    """prod_i (a_i b_i + (1 - a_i)(1 - b_i))"""
    assert len(a) == len(b), (len(a), len(b))
    result = 1
    for x, y in zip(a, b):
        result = result * (1 - x - y + 2 * x * y) % P
    return result


def eq_index(point, index):
    """eq of a point and a corner of the cube, which an integer names."""
    result = 1
    for i, x in enumerate(reversed(point)):
        result = result * (x if (index >> i) & 1 else 1 - x) % P
    return result


def eq_table(point):
    """eq(point, b) for all corners b, in the order of their integers."""
    table = [1]
    for x in point:
        table = [v for t in table for v in (t * (1 - x) % P, t * x % P)]
    return table


def extension(values, point):
    """The multilinear extension of a list that is shorter than the cube, and 0 behind its end."""
    table = list(values) + [0] * ((1 << len(point)) - len(values))
    for x in point:
        half = len(table) // 2
        table = [(a + x * (b - a)) % P for a, b in zip(table[:half], table[half:])]
    return table[0]


def power_extension(x, point):
    """pow(x, .) at a point: prod_j (1 - r_j + r_j x^(2^j)), with j = 0 for the last variable."""
    result = 1
    for r in reversed(point):
        result = result * (1 - r + r * x) % P
        x = x * x % P
    return result


def index_extension(point):
    """The function that is its own argument, as an integer: sum_j 2^j r_j."""
    return sum(r << j for j, r in enumerate(reversed(point))) % P


def prefix_extension(point, size):
    """[b < size], extended multilinearly."""
    return sum(eq_index(point[: len(point) - log], start >> log) for start, log in aligned_ranges(0, size)) % P


def aligned_ranges(start, end):
    """[start, end) as aligned ranges (start, log of the length), each as long as it can be, from the left."""
    ranges = []
    while start < end:
        log = (end - start).bit_length() - 1
        if start:
            log = min(log, (start & -start).bit_length() - 1)
        ranges.append((start, log))
        start += 1 << log
    return ranges
