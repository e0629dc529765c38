"""From claims to one evaluation, and the opening of committed vectors.

docs/protocol.md, sections 7 and 8.
"""

import math

from field import P, bits_of, eq, extension, eq_table, power_extension, root_of_unity
from hashes import poseidon
from session import Refused, sumcheck_round
from vectors import block_extension

LOG_LEAF = 4  # a leaf has up to 16 entries, and a round folds by 16
LOG_CAP = 4
LOG_LAST = 6  # rounds go on while more than 2^6 coefficients are left
GRINDING_BITS = 16
SECURITY_BITS = 100
CHALLENGE_BITS = 254


class Round:
    def __init__(self, log_size, log_inv_rate, queries):
        self.log_size, self.log_inv_rate, self.queries = log_size, log_inv_rate, queries
        self.log_domain = log_size - LOG_LEAF + log_inv_rate


def round_sizes(log_size):
    sizes = []
    while log_size > LOG_LAST:
        sizes.append(log_size)
        log_size -= LOG_LEAF
    return sizes


def query_count(log_inv_rate, rounds):
    """The least t with t log2(1 / (1.01 sqrt(rho))) >= 84 + log2(rounds of all openings)."""
    needed = SECURITY_BITS - GRINDING_BITS + math.log2(rounds)
    return math.ceil(needed / (log_inv_rate / 2 - math.log2(1.01)))


def plan_rounds(log_size, log_inv_rate, all_rounds):
    rates = [log_inv_rate + 2 * k for k in range(len(round_sizes(log_size)))]
    return [Round(size, rate, query_count(rate, all_rounds)) for size, rate in zip(round_sizes(log_size), rates)]


def reduce_claims(session, claims, vectors, log_size):
    """All claims to values of the vectors at one point."""
    alpha = session.challenge()
    weight, claim, weighted = 1, 0, []
    for entry in claims.claims:
        weighted.append((weight, entry))
        claim = (claim + weight * entry[-1]) % P
        weight = weight * alpha % P
    z = []
    for _ in range(log_size):
        r, claim = sumcheck_round(session, claim, 2, "claims")
        z.append(r)
    values = session.send(len(vectors), "claims: values of the vectors")
    extensions = dict.fromkeys(vectors, 0)
    for weight, entry in weighted:
        if entry[0] == "power":
            _, vector, x, _ = entry
            extensions[vector] += weight * power_extension(x, z)
        else:
            for vector, offset, factor, point in entry[1]:
                extensions[vector] += weight * factor % P * block_extension(z, offset, point)
    expected = sum(values[i] * extensions[v] for i, v in enumerate(vectors))
    session.require_equal(expected, claim, "claims: the vectors' values do not give the reduction's last claim")
    return z, values


class Opened:
    """What a round of level 1 leaves: indices, answers, and the point that folds leaves to answers."""

    def __init__(self, round_, indices, answers, fold):
        self.round, self.indices, self.answers, self.fold = round_, indices, answers, fold
        self.root = None  # of the vector that this round folded to; none in the last


def grind_and_sample(session, queries, log_domain, name):
    """A nonce, then indices: as many as fit into what is left of each challenge, lowest bits first."""
    session.transcript.flush()
    session.send(1, f"{name}: nonce")
    bits = session.challenge()
    if bits & ((1 << GRINDING_BITS) - 1):
        raise Refused(f"{name}: the nonce does not give {GRINDING_BITS} zero bits (at message {session.position})")
    bits >>= GRINDING_BITS
    left = CHALLENGE_BITS - GRINDING_BITS
    indices = []
    while len(indices) < queries:
        if left < log_domain:
            bits, left = session.challenge(), CHALLENGE_BITS
        indices.append(bits & ((1 << log_domain) - 1))
        bits >>= log_domain
        left -= log_domain
    return indices


def evaluate(coefficients, x):
    value = 0
    for c in reversed(coefficients):
        value = (value * x + c) % P
    return value


def open_at(session, rounds, z, value, commit, query, exponent, name):
    """Shows that the committed vector's extension at z is `value`.

    `commit()` takes the next commitment; `query(k, indices, fold)` gives the folded leaves at the
    indices of round k's domain; `exponent(index, log)` places leaves on the domain.
    """
    # The weight w as a sum of terms: a factor times eq(z, .) or pow(x, .), restricted to what is
    # not bound yet.
    terms = [(1, "eq", z)]
    claim = value

    def bind(r, left):
        """Binds the highest of `left` variables."""
        for i, (factor, kind, data) in enumerate(terms):
            if kind == "eq":
                a, *rest = data
                terms[i] = (factor * (1 - a - r + 2 * a * r) % P, kind, rest)
            else:
                terms[i] = (factor * (1 - r + r * pow(data, 1 << (left - 1), P)) % P, kind, data)

    for k, round_ in enumerate(rounds):
        last = k == len(rounds) - 1
        left = round_.log_size
        fold = []
        for _ in range(LOG_LEAF):
            r, claim = sumcheck_round(session, claim, 2, name)
            bind(r, left)
            fold.append(r)
            left -= 1
        if last:
            clear = session.send(1 << left, f"{name}: last vector")
        else:
            commit()
            x = session.challenge()
            (sample,) = session.send(1, f"{name}: out-of-domain value")
        indices = grind_and_sample(session, round_.queries, round_.log_domain, name)
        answers = query(k, indices, fold)
        omega = root_of_unity(round_.log_domain)
        points = [pow(omega, exponent(i, round_.log_domain), P) for i in indices]
        if last:
            for point, answer in zip(points, answers):
                session.require_equal(evaluate(clear, point), answer, f"{name}: an answer is not the last vector's")
        else:
            gamma = session.challenge()
            weight = gamma
            for point, answer in zip([x, *points], [sample, *answers]):
                terms.append((weight, "power", point))
                claim = (claim + weight * answer) % P
                weight = weight * gamma % P
    point = []
    for left in range(left, 0, -1):
        r, claim = sumcheck_round(session, claim, 2, name)
        bind(r, left)
        point.append(r)
    weights = sum(factor for factor, _, _ in terms)
    session.require_equal(extension(clear, point) * weights, claim, f"{name}: the last claim is not the last vector's")


def bits_moved(index, log):
    """e(i) of section 8: the lowest three bits of the index moved to the top."""
    return (index & 7) << (log - 3) | index >> 3


def open_by_answers(session, rounds, z, value, name="opening"):
    """Level 1: the leaves' folds are sent, and level 2 shows that they are what the trees hold."""
    opened, roots = [], []

    def commit():
        roots.extend(session.send(1, f"{name}: root"))

    def query(k, indices, fold):
        answers = session.send(len(indices), f"{name}: answers")
        opened.append(Opened(rounds[k], indices, answers, fold))
        return answers

    open_at(session, rounds, z, value, commit, query, bits_moved, name)
    return opened, roots


def open_by_paths(session, rounds, z, value, cap, name="opening of S"):
    """The opening of S: leaves and Merkle paths are hints."""
    caps = [cap]

    def commit():
        caps.append(session.send(1 << LOG_CAP, f"{name}: cap"))

    def query(k, indices, fold):
        table = eq_table(fold)
        return [sum(w * v for w, v in zip(table, opened_leaf(session, caps[k], i, rounds[k].log_domain, name))) % P for i in indices]

    open_at(session, rounds, z, value, commit, query, lambda index, log: index, name)


def opened_leaf(session, cap, index, log_domain, name):
    leaf = session.hint(1 << LOG_LEAF, f"{name}: leaf")
    node = poseidon(*leaf)
    for _ in range(log_domain - LOG_CAP):
        children = session.hint(2, f"{name}: path")
        session.require_equal(children[index & 1], node, f"{name}: a path does not hold the node below")
        node = poseidon(*children)
        index >>= 1
    session.require_equal(cap[index], node, f"{name}: a path does not lead to the cap")
    return leaf
