"""Committed vectors: where their blocks lie, tensors as views of them, and claims.

docs/protocol.md, section 3, and "Claims" in section 4.
"""

from field import HALF, P, bits_of, eq_index, eq


class Layout:
    """The blocks of a vector. They are declared first and placed all at once."""

    def __init__(self, vector):
        self.vector = vector
        self.declared = []  # (name, is_cell, log)
        self.offsets = {}
        self.cells = 0
        self.end = 0

    def declare(self, name, log, is_cell=False):
        assert all(name != other for other, _, _ in self.declared), name
        self.declared.append((name, is_cell, log))
        return Block(self, name, log)

    def place(self, log_size):
        """Cells from the bottom, free values above them: larger blocks first, in the order of their
        declarations where sizes are equal, each in the first gap that holds it."""
        in_order = sorted(self.declared, key=lambda entry: -entry[2])
        at = 0
        for name, is_cell, log in in_order:
            if is_cell:
                self.offsets[name] = at
                at += 1 << log
        grain = max(1, (1 << log_size) >> 6)
        self.cells = -(-at // grain) * grain
        taken = [(0, self.cells)]
        for name, is_cell, log in in_order:
            if not is_cell:
                size = 1 << log
                start = 0
                for low, high in taken:
                    if start + size <= low:
                        break
                    start = max(start, -(-high // size) * size)
                self.offsets[name] = start
                taken = sorted(taken + [(start, start + size)])
        self.end = max((self.offsets[name] + (1 << log) for name, _, log in self.declared), default=0)
        if self.end > 1 << log_size:
            raise ValueError(f"{self.vector}: {self.end} entries do not fit 2^{log_size}")


class Block:
    """An aligned range of a vector, whose place is known once the layout is placed."""

    def __init__(self, layout, name, log):
        self.layout, self.name, self.log = layout, name, log

    @property
    def vector(self):
        return self.layout.vector

    @property
    def offset(self):
        return self.layout.offsets[self.name]


class View:
    """A block times a number. `parts` says which variables the block has, in its own order:
    (axis, first, last) takes coordinates of an axis's point; an integer 0 or 1 fixes a variable;
    None sums over it."""

    def __init__(self, block, parts, factor=1):
        self.block, self.parts, self.factor = block, parts, factor


class Tensor:
    """A constant plus a weighted sum of views. `axes` are (name, log) in order."""

    def __init__(self, axes, views, constant=0):
        self.axes, self.views, self.constant = list(axes), views, constant

    @staticmethod
    def of(block, axes):
        assert sum(log for _, log in axes) == block.log
        return Tensor(axes, [View(block, [(name, 0, log) for name, log in axes])])

    def plus(self, other):
        assert dict(self.axes) == dict(other.axes), (self.axes, other.axes)
        return Tensor(self.axes, self.views + other.views, self.constant + other.constant)

    def times(self, factor):
        views = [View(v.block, v.parts, v.factor * factor) for v in self.views]
        return Tensor(self.axes, views, self.constant * factor)

    def plus_constant(self, constant):
        return Tensor(self.axes, self.views, self.constant + constant)

    def minus(self, other):
        return self.plus(other.times(-1))

    def _map(self, axes, change):
        def parts(view):
            return [new for part in view.parts for new in (change(part) if isinstance(part, tuple) else [part])]

        return Tensor(axes, [View(v.block, parts(v), v.factor) for v in self.views], self.constant)

    def rename(self, **names):
        axes = [(names.get(name, name), log) for name, log in self.axes]
        return self._map(axes, lambda part: [(names.get(part[0], part[0]), part[1], part[2])])

    def split(self, axis, *into):
        """One axis as several, the first of them in the highest variables."""
        starts, at = {}, 0
        for name, log in into:
            starts[name] = (at, at + log)
            at += log
        assert dict(self.axes)[axis] == at, (self.axes, axis, into)
        axes = [new for name, log in self.axes for new in (into if name == axis else [(name, log)])]

        def change(part):
            if part[0] != axis:
                return [part]
            pieces = []
            for name, (low, high) in starts.items():
                first, last = max(low, part[1]), min(high, part[2])
                if first < last:
                    pieces.append((name, first - low, last - low))
            return pieces

        return self._map(axes, change)

    def join(self, axis, *of):
        """Neighbouring axes as one."""
        starts, at = {}, 0
        for name in of:
            starts[name] = at
            at += dict(self.axes)[name]
        axes = [(n, l) for n, l in self.axes if n not in of[1:]]
        axes = [(axis, at) if n == of[0] else (n, l) for n, l in axes]
        return self._map(
            axes,
            lambda part: [(axis, part[1] + starts[part[0]], part[2] + starts[part[0]])] if part[0] in starts else [part],
        )

    def fix(self, axis, bits, rest=None):
        """An axis restricted to an aligned range: its highest variables are bits, and what is left is
        the axis `rest`."""
        left = dict(self.axes)[axis] - len(bits)
        axes = [new for n, l in self.axes for new in (([(rest, left)] if rest else []) if n == axis else [(n, l)])]

        def change(part):
            if part[0] != axis:
                return [part]
            out = list(bits[part[1] : part[2]])
            first, last = max(part[1], len(bits)), part[2]
            if first < last:
                out.append((rest, first - len(bits), last - len(bits)))
            return out

        return self._map(axes, change)

    def sum(self, axis):
        """The sum over all of an axis."""
        log = dict(self.axes)[axis]
        summed = self._map([a for a in self.axes if a[0] != axis], lambda p: [None] * (p[2] - p[1]) if p[0] == axis else [p])
        summed.constant <<= log
        return summed


class Claims:
    """`sum of parts = value`, checked all together at the end (section 7)."""

    def __init__(self):
        self.claims = []

    def tensor(self, tensor, point, value):
        parts = []
        for view in tensor.views:
            coordinates, factor = [], view.factor
            for part in view.parts:
                if part is None:
                    coordinates.append(HALF)
                    factor *= 2
                elif isinstance(part, tuple):
                    coordinates += point[part[0]][part[1] : part[2]]
                else:
                    coordinates.append(part)
            assert len(coordinates) == view.block.log, (view.block.name, view.parts, coordinates)
            parts.append((view.block.vector, view.block.offset, factor % P, coordinates))
        self.parts(parts, value - tensor.constant)

    def parts(self, parts, value):
        """Parts are (vector, offset of an aligned block, factor, point in the block)."""
        self.claims.append(("blocks", parts, value % P))

    def power(self, vector, x, value):
        """sum_b vector(b) x^b = value"""
        self.claims.append(("power", vector, x, value % P))


def block_extension(z, offset, point):
    """What a claim on a block asks of the whole vector, as a function of the vector's point z."""
    high = len(z) - len(point)
    return eq_index(z[:high], offset >> len(point)) * eq(z[high:], point) % P
