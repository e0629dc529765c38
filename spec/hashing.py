"""The second level: what was opened is what the trees under the roots hold.

docs/protocol.md, section 15.
"""

from field import P, aligned_ranges, bits_of, eq, eq_index, eq_table, extension, log2_ceil
from hashes import Poseidon2
from opening import open_by_paths, plan_rounds, reduce_claims, round_sizes
from session import sumcheck_round
from vectors import Claims

ARITY = Poseidon2.WIDTH
LOG_ARITY = 3
SBOX = ARITY  # first column of the S-boxes' inputs
SBOXES = 113
RESULT = SBOX + SBOXES
BIT = RESULT + 1
COLUMNS = BIT + LOG_ARITY
LOG_COLUMNS = 7


class Group:
    """Trees of one shape that are opened at the same leaves."""

    def __init__(self, trees, queries, entries, depth):
        self.trees, self.queries, self.entries, self.depth = trees, queries, entries, depth
        self.log_trees, self.log_queries = log2_ceil(trees), log2_ceil(queries)
        self.log_instances = self.log_trees + self.log_queries
        # log of the compressions of each level of a leaf's own tree, lowest level first
        self.levels = []
        log = max(log2_ceil(entries) - LOG_ARITY, 0)
        self.levels.append(log)
        while log > 0:
            log = max(log - LOG_ARITY, 0)
            self.levels.append(log)
        self.steps = -(-depth // LOG_ARITY)
        self.level_offsets, self.step_offsets = [], []

    def before_step(self, step):
        """Offset of the results that a step's path comes from."""
        return self.step_offsets[step - 1] if step else self.level_offsets[-1]


class Trace:
    """The layout of S: a row for each column, an entry for each compression."""

    def __init__(self, groups):
        self.groups = groups
        ranges = []
        for group in groups:
            ranges += [(log + group.log_instances, group.level_offsets) for log in group.levels]
            ranges += [(group.log_instances, group.step_offsets)] * group.steps
        at = 0
        placed = {}
        for i in sorted(range(len(ranges)), key=lambda i: -ranges[i][0]):
            placed[i] = at
            at += 1 << ranges[i][0]
        for i, (_, offsets) in enumerate(ranges):
            offsets.append(placed[i])
        self.log_compressions = log2_ceil(at)
        self.log_size = LOG_COLUMNS + self.log_compressions

    def entry(self, column, compression):
        return column << self.log_compressions | compression


def plan_trace(groups_of, first_rounds):
    """Queries depend on the number of all rounds, that of S among them, and so on S's size: the least
    number of rounds that S then takes. `groups_of(rounds)` lays out the groups."""
    for own in range(1, 12):
        trace = Trace(groups_of(first_rounds + own))
        if len(round_sizes(trace.log_size)) == own:
            return trace, first_rounds + own
    raise ValueError("no second level fits")


class Answered:
    """What level 1 left for a group: a root for each tree, an index for each query."""

    def __init__(self, group, roots, indices):
        self.group, self.roots, self.indices = group, roots, indices


class Fold:
    """`sum of terms = value` at a random query: each term is a group's tree and a factor; the point
    folds entries. `point` is the query's point, where it is not the shared one."""

    def __init__(self, terms, fold, answers=None, point=None, value=None):
        self.terms, self.fold, self.answers, self.point, self.value = terms, fold, answers, point, value


def prove_hashing(session, trace, rounds, answered, folds):
    """`answered` has an entry for each group of the trace, in order; `folds` are what leaves give."""
    cap = session.send(16, "hashing: cap of S")
    x = session.challenge()
    (sample,) = session.send(1, "hashing: out-of-domain value of S")
    claims = Claims()
    every_compression(session, trace, claims)
    every_instance(session, trace, claims, answered, folds)
    claims.power("S", x, sample)
    z, (value,) = reduce_claims(session, claims, ["S"], trace.log_size)
    open_by_paths(session, rounds, z, value, cap)


def every_compression(session, trace, claims):
    tau = session.challenges(trace.log_compressions)
    alpha = session.challenge()
    claim, z = 0, []
    for _ in range(trace.log_compressions):
        r, claim = sumcheck_round(session, claim, 6, "hashing: compressions")
        z.append(r)
    *columns, taken = session.send(COLUMNS + 1, "hashing: column values")

    # Indicators of the steps of paths at z, and of where each comes from.
    steps = []
    for group in trace.groups:
        for step in range(group.steps):
            high = len(z) - group.log_instances
            indicator = eq_index(z[:high], group.step_offsets[step] >> group.log_instances)
            steps.append((indicator, group.before_step(step), z[high:]))
    path = sum(indicator for indicator, _, _ in steps)

    value, weight = 0, 1
    for term in compression_terms(columns, taken, path):
        value = (value + weight * term) % P
        weight = weight * alpha % P
    session.require_equal(value * eq(tau, z), claim, "hashing: the compressions do not give the sumcheck's last claim")

    column = session.challenges(LOG_COLUMNS)
    claims.parts([("S", 0, 1, column + z)], extension(columns, column))
    claims.parts(
        [("S", trace.entry(RESULT, before), indicator, point) for indicator, before, point in steps], taken
    )


def compression_terms(columns, taken, path):
    children = columns[:SBOX]
    inputs = iter(columns[SBOX:RESULT])
    result, bits = columns[RESULT], columns[BIT:]
    terms = []

    def sbox(x):
        return pow(x, 5, P)

    def checked(expected):
        given = next(inputs)
        terms.append(given - expected)
        return sbox(given)

    state = Poseidon2.external(children)
    half = Poseidon2.HALF_FULL_ROUNDS
    for r, constants in enumerate(Poseidon2.CONSTANTS):
        if half <= r < half + Poseidon2.PARTIAL_ROUNDS:
            state = Poseidon2.internal([checked(state[0] + constants[0]), *state[1:]])
        else:
            state = [x + c for x, c in zip(state, constants)]
            state = Poseidon2.external([sbox(x) if r == 0 else checked(x) for x in state])
    terms.append(result - state[0] - children[0])
    terms += [b * (b - 1) for b in bits]
    # Bit j of the child's number is column j, lowest first.
    named = sum(w * c for w, c in zip(eq_table(list(reversed(bits))), children))
    terms.append(path * named - taken)
    return terms


def every_instance(session, trace, claims, answered, folds):
    groups = trace.groups
    query = session.challenges(max(g.log_queries for g in groups))
    tree = session.challenges(max(g.log_trees for g in groups))
    own = session.challenges(max(max(g.levels) for g in groups))

    def last(point, log):
        return point[len(point) - log :]

    def filled(values, log, point):
        """The extension of a list whose missing values are copies of the first."""
        return extension(list(values) + [values[0]] * ((1 << log) - len(values)), last(point, log))

    for entry in answered:
        group = entry.group
        instance = last(tree, group.log_trees) + last(query, group.log_queries)
        end = group.step_offsets[-1] if group.steps else group.level_offsets[-1]
        claims.parts([("S", trace.entry(RESULT, end), 1, instance)], filled(entry.roots, group.log_trees, tree))
        claims.parts(
            [
                ("S", trace.entry(BIT + j, group.step_offsets[step]), 1 << (LOG_ARITY * step + j), instance)
                for step in range(group.steps)
                for j in range(LOG_ARITY)
            ],
            filled(entry.indices, group.log_queries, query),
        )
        for level in range(1, len(group.levels)):
            lower, upper = group.levels[level - 1], group.levels[level]
            point = last(own, lower)
            lanes = [0] * (LOG_ARITY - (lower - upper)) + point[upper:]
            claims.parts(
                [
                    children_part(trace, lanes, group.level_offsets[level], point[:upper] + instance, 1),
                    ("S", trace.entry(RESULT, group.level_offsets[level - 1]), -1, point + instance),
                ],
                0,
            )
    for fold in folds:
        parts = []
        for group, index, factor in fold.terms:
            shared = fold.point if fold.point is not None else last(query, group.log_queries)
            instance = bits_of(index, group.log_trees) + shared
            for start, log in aligned_ranges(0, group.entries):
                high = len(fold.fold) - log
                scale = factor * eq_index(fold.fold[:high], start >> log) % P
                entry = bits_of(start >> log, high) + fold.fold[high:]
                entry = [0] * LOG_ARITY + entry
                lane, entry = entry[-LOG_ARITY:], entry[:-LOG_ARITY]
                compression = entry[len(entry) - group.levels[0] :]
                parts.append(children_part(trace, lane, group.level_offsets[0], compression + instance, scale))
        if fold.value is not None:
            value = fold.value
        else:
            group = fold.terms[0][0]
            value = filled(fold.answers, group.log_queries, query)
        claims.parts(parts, value)


def children_part(trace, lane, offset, point, factor):
    """A part over the columns of children: lane first, then the compression."""
    high = bits_of(offset >> len(point), trace.log_compressions - len(point))
    return ("S", 0, factor, lane + high + point)
