"""Ranges and function tables as one sum of fractions.

docs/protocol.md, "Zero sum of fractions" in section 4 and "Lookups" in section 6.
"""

from field import P, aligned_ranges, eq_index, index_extension
from session import Refused


class Table:
    """A function on [0, 2^16): its committed values, and the pairs that are looked up in it."""

    def __init__(self, name, tag, values, multiplicities):
        self.name, self.tag, self.values, self.multiplicities = name, tag, values, multiplicities
        self.uses = []  # (block of arguments, block of results)


def zero_fraction_sum(session, log_size):
    """GKR for sum_i num_i / den_i = 0 over 2^log_size fractions: a point and both claims there."""
    (root,) = session.send(1, "fractions: root")
    if root == 0:
        raise Refused("fractions: the root's denominator is 0")
    numerator, denominator, point = 0, root, []
    for layer in range(log_size):
        weight = session.challenge()
        claim = (numerator + weight * denominator) % P
        bound = []
        for tau in point:
            # h(r) without the eq factor, of degree 2; (1 - tau) h(0) + tau h(1) is the claim.
            c1, c2 = session.send(2, "fractions: round")
            c0 = (claim - tau * (c1 + c2)) % P
            r = session.challenge()
            claim = (c0 + r * (c1 + r * c2)) % P
            bound.append(r)
        p0, p1, q0, q1 = session.send(4, "fractions: children")
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

    def opened(block, what):
        """The block's value at q's last coordinates is sent and becomes a claim."""
        (value,) = session.send(1, f"lookups: {what}")
        claims.parts([(block.vector, block.offset, 1, q[log_size - block.log :])], value)
        return value

    (cells,) = session.send(1, "lookups: cells")
    parts, indicators = [], 0
    for start, log in aligned_ranges(0, witness.cells):
        indicator = eq_index(q[: log_size - log], start >> log)
        indicators += indicator
        parts.append((witness.vector, start, indicator, q[log_size - log :]))
    claims.parts(parts, cells)
    num, den, covered = indicators, indicators * gamma - cells, indicators

    def fractions(indicator, numerator, denominator):
        nonlocal num, den, covered
        num += indicator * numerator
        den += indicator * denominator
        covered += indicator

    indicator, point = inside(range_multiplicities)
    multiplicity = opened(range_multiplicities, "multiplicities of the range")
    fractions(indicator, -multiplicity, gamma - index_extension(point))

    for table in tables:
        offset = beta * beta * table.tag
        indicator, point = inside(table.multiplicities)
        values = opened(table.values, f"values of {table.name}")
        multiplicity = opened(table.multiplicities, f"multiplicities of {table.name}")
        fractions(indicator, -multiplicity, gamma - index_extension(point) - beta * values - offset)
        for argument, result in table.uses:
            indicator, _ = inside(argument)
            c = opened(argument, f"arguments of {table.name}")
            f = opened(result, f"results of {table.name}")
            fractions(indicator, 1, gamma - c - beta * f - offset)
    den += 1 - covered
    session.require_equal(num, numerator, "lookups: the columns do not give the fractions' numerator")
    session.require_equal(den, denominator, "lookups: the columns do not give the fractions' denominator")

