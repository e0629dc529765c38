"""Ranges and function tables as one sum of fractions.

docs/protocol.md, "Zero sum of fractions" in section 4 and "Lookups" in section 6.
"""

from field import P, aligned_ranges, bits_of, eq_index, index_extension
from session import Refused
from vectors import Tensor, View

LOG_TABLE = 16


class Table:
    """A function on [0, 2^16): its committed values, and the pairs that are looked up in it."""

    def __init__(self, name, tag, values, multiplicities):
        self.name, self.tag, self.values, self.multiplicities = name, tag, values, multiplicities
        self.uses = []  # (block of arguments, block of results)


def zero_fraction_sum(session, log_size):
    """GKR for sum_i num_i / den_i = 0 over 2^log_size fractions: a point and both claims there."""
    (root,) = session.send(1)
    if root == 0:
        raise Refused("fractions: the root's denominator is 0")
    numerator, denominator, point = 0, root, []
    for layer in range(log_size):
        weight = session.challenge()
        claim = (numerator + weight * denominator) % P
        bound = []
        for tau in point:
            # h(r) without the eq factor, of degree 2; (1 - tau) h(0) + tau h(1) is the claim.
            c1, c2 = session.send(2)
            c0 = (claim - tau * (c1 + c2)) % P
            r = session.challenge()
            claim = (c0 + r * (c1 + r * c2)) % P
            bound.append(r)
        p0, p1, q0, q1 = session.send(4)
        session.require_equal(
            p0 * q1 + p1 * q0 + weight * q0 * q1, claim, f"fractions: the children of layer {layer} do not give its claim"
        )
        join = session.challenge()
        numerator = (p0 + join * (p1 - p0)) % P
        denominator = (q0 + join * (q1 - q0)) % P
        point = [join, *bound]
    return point, numerator, denominator


def prove_lookups(session, claims, witness, log_size, range_multiplicities, tables):
    beta, gamma = session.challenges(2)
    q, numerator, denominator = zero_fraction_sum(session, log_size)

    def inside(block):
        """The block's indicator at q, and q inside it."""
        high = log_size - block.log
        return eq_index(q[:high], block.offset >> block.log), q[high:]

    def opened(block):
        (value,) = session.send(1)
        claims.parts([(block.vector, block.offset, 1, q[log_size - block.log :])], value)
        return value

    num = den = covered = 0

    def fractions(indicator, numerator, denominator):
        """`denominator` is the sum over the block already, `numerator` the same."""
        nonlocal num, den, covered
        num += indicator * numerator
        den += indicator * denominator
        covered += indicator

    (cells,) = session.send(1)
    parts, indicators = [], 0
    for start, log in aligned_ranges(0, witness.cells):
        indicator = eq_index(q[: log_size - log], start >> log)
        indicators += indicator
        parts.append((witness.vector, start, indicator, q[log_size - log :]))
    claims.parts(parts, cells)
    num += indicators
    den += indicators * gamma - cells
    covered += indicators

    indicator, point = inside(range_multiplicities)
    multiplicity = opened(range_multiplicities)
    fractions(indicator, -multiplicity, gamma - index_extension(point))

    for table in tables:
        offset = beta * beta * table.tag
        indicator, point = inside(table.multiplicities)
        values = opened_at(session, claims, table.values, point)
        multiplicity = opened(table.multiplicities)
        fractions(indicator, -multiplicity, gamma - index_extension(point) - beta * values - offset)
        for argument, result in table.uses:
            indicator, point = inside(argument)
            c = opened(argument)
            f = opened_at(session, claims, result, point)
            fractions(indicator, 1, gamma - c - beta * f - offset)
    den += 1 - covered
    session.require_equal(num, numerator, "lookups: the columns do not give the fractions' numerator")
    session.require_equal(den, denominator, "lookups: the columns do not give the fractions' denominator")


def opened_at(session, claims, block, point):
    (value,) = session.send(1)
    claims.parts([(block.vector, block.offset, 1, point)], value)
    return value
