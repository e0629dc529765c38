"""What a verifier talks to: the messages, the transcript that turns them into challenges, and refusals.

docs/protocol.md, section 2.
"""

from field import P, eq
from hashes import domain, permute

TRANSCRIPT = domain("attensor-transcript-1")


class Refused(Exception):
    """The transcript does not prove its statement."""


class Transcript:
    """A duplex sponge over Kimchi's permutation, with rate 2 and capacity 1."""

    def __init__(self):
        self.state = [0, 0, TRANSCRIPT]
        self.pending = []
        self.ready = []  # challenges that the state holds

    def absorb(self, elements):
        for element in elements:
            self.pending.append(element)
            if len(self.pending) == 2:
                self._permute()

    def challenge(self):
        if self.pending or not self.ready:
            self._permute()
        return self.ready.pop(0)

    def flush(self):
        """Leaves nothing pending, so that what is absorbed next stands alone."""
        if self.pending:
            self._permute()

    def _permute(self):
        for i, element in enumerate(self.pending):
            self.state[i] = (self.state[i] + element) % P
        self.pending = []
        self.state = permute(self.state)
        self.ready = self.state[:2]


class Session:
    def __init__(self, messages):
        self.transcript = Transcript()
        self.messages = messages
        self.position = 0
        self.places = []  # (what, first message, how many), in order
        self.points = {}

    def hint(self, count, what):
        """The next messages, which something absorbed binds."""
        end = self.position + count
        if end > len(self.messages):
            raise Refused(f"{what}: the messages end after {len(self.messages)}, and {end} are needed")
        self.places.append((what, self.position, count))
        taken = self.messages[self.position : end]
        self.position = end
        return taken

    def send(self, count, what):
        """The next messages, which the transcript absorbs."""
        taken = self.hint(count, what)
        self.transcript.absorb(taken)
        return taken

    def absorb(self, elements):
        self.transcript.absorb(elements)

    def challenge(self):
        return self.transcript.challenge()

    def challenges(self, count):
        return [self.challenge() for _ in range(count)]

    def require_equal(self, left, right, what):
        if (left - right) % P:
            raise Refused(f"{what} (at message {self.position})")

    def finish(self):
        if self.position != len(self.messages):
            raise Refused(f"{len(self.messages) - self.position} messages are left over")

    def point(self, axis, log):
        """The shared point of an axis's name and size, drawn at its first use."""
        key = (axis, log)
        if key not in self.points:
            self.points[key] = self.challenges(log)
        return self.points[key]


class Sumcheck:
    """Claims `sum over the axes' cube of E_j = v_j`, reduced to one point and claims on columns.

    First columns and relations are named, then `run` reads the messages. A column is committed (its
    value becomes a claim on its tensor) or virtual (whoever made it reads its value afterwards).
    """

    def __init__(self, session, claims, what, axes):
        self.session, self.claims, self.what = session, claims, what
        self.axes = [(name, log) for name, log in axes]
        self.columns = []  # (tensor or None, points of axes that are not summed over)
        self.relations = []  # (claimed sum, function of the columns' values)
        self.point, self.values = {}, []

    def column(self, tensor, **fixed):
        """Column of a tensor, whose other axes are at fixed points. Asked again, it is the same one."""
        for i, (other, points) in enumerate(self.columns):
            if other is tensor and points == fixed:
                return i
        self.columns.append((tensor, fixed))
        return len(self.columns) - 1

    def virtual(self):
        self.columns.append((None, {}))
        return len(self.columns) - 1

    def require(self, relation, claim=0):
        """`relation` is a function of the list of values; it may ask for `eq` at the last point."""
        self.relations.append((claim, relation))

    def eq(self, **points):
        """eq of the sumcheck's point and others, axis by axis."""
        result = 1
        for name, point in points.items():
            result = result * eq(self.point[name], point) % P
        return result

    def run(self, degree):
        weights = [1]
        if len(self.relations) > 1:
            weight = self.session.challenge()
            for _ in self.relations[1:]:
                weights.append(weights[-1] * weight % P)
        claim = sum(w * c for w, (c, _) in zip(weights, self.relations)) % P
        for name, log in self.axes:
            self.point[name] = []
            for _ in range(log):
                r, claim = sumcheck_round(self.session, claim, degree, self.what)
                self.point[name].append(r)
        self.values = self.session.send(len(self.columns), f"{self.what}: column values")
        value = sum(w * relation(self.values) for w, (_, relation) in zip(weights, self.relations))
        self.session.require_equal(value, claim, f"{self.what}: the relations do not give the sumcheck's last claim")
        for (tensor, fixed), value in zip(self.columns, self.values):
            if tensor is not None:
                self.claims.tensor(tensor, {**fixed, **self.point}, value)


def sumcheck_round(session, claim, degree, what):
    """One round: c0, c2, ..., c_degree are sent; c1 follows from g(0) + g(1) = claim."""
    c0, *upper = session.send(degree, f"{what}: round")
    c1 = claim - 2 * c0 - sum(upper)
    r = session.challenge()
    value = 0
    for c in reversed([c0, c1, *upper]):
        value = (value * r + c) % P
    return r, value
