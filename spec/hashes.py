"""Kimchi's Poseidon, the transcript's and the statement's hash, and the numbers of Poseidon2.

docs/protocol.md, sections 2 and 15.
"""

import json
import os

from field import P

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "constants.json")) as file:
    _TABLES = json.load(file)

_MDS = [[int(x) for x in row] for row in _TABLES["kimchi"]["mds"]]
_ROUNDS = [[int(x) for x in row] for row in _TABLES["kimchi"]["roundConstants"]]


def permute(state):
    """55 rounds of x^7, the matrix, and the round's constants, in this order."""
    a, b, c = state
    (m00, m01, m02), (m10, m11, m12), (m20, m21, m22) = _MDS
    for k0, k1, k2 in _ROUNDS:
        square = a * a % P
        a = square * square % P * (square * a % P) % P
        square = b * b % P
        b = square * square % P * (square * b % P) % P
        square = c * c % P
        c = square * square % P * (square * c % P) % P
        a, b, c = (
            (m00 * a + m01 * b + m02 * c + k0) % P,
            (m10 * a + m11 * b + m12 * c + k1) % P,
            (m20 * a + m21 * b + m22 * c + k2) % P,
        )
    return [a, b, c]


def absorb(state, elements):
    """Two elements are added to the state before each permutation; an odd one is followed by a 0."""
    for i in range(0, max(len(elements), 1), 2):
        pair = list(elements[i : i + 2]) + [0, 0]
        state = permute([(state[0] + pair[0]) % P, (state[1] + pair[1]) % P, state[2]])
    return state


def poseidon(*elements):
    return absorb([0, 0, 0], elements)[0]


def domain(name):
    """An ASCII name as an integer, its first letter in the lowest byte."""
    return int.from_bytes(name.encode("ascii"), "little")


def hash_text(name, text):
    """Poseidon(domain, length in bytes, words of 31 bytes...) of a text."""
    data = text.encode("utf-8")
    words = [int.from_bytes(data[i : i + 31], "little") for i in range(0, len(data), 31)]
    return poseidon(domain(name), len(data), *words)


class Poseidon2:
    """The permutation of the trees: width 8, x^5, 4 + 57 + 4 rounds."""

    WIDTH = 8
    HALF_FULL_ROUNDS = 4
    PARTIAL_ROUNDS = 57
    CONSTANTS = [[int(x) for x in row] for row in _TABLES["poseidon2"]["constants"]]
    DIAGONAL = [int(x) for x in _TABLES["poseidon2"]["diagonal"]]

    @staticmethod
    def external(state):
        """circ(2 M, M) with the 4 x 4 matrix M = (5 7 1 3 / 4 6 1 1 / 1 3 5 7 / 1 1 4 6)."""
        halves = []
        for x0, x1, x2, x3 in (state[:4], state[4:]):
            halves.append(
                [
                    5 * x0 + 7 * x1 + x2 + 3 * x3,
                    4 * x0 + 6 * x1 + x2 + x3,
                    x0 + 3 * x1 + 5 * x2 + 7 * x3,
                    x0 + x1 + 4 * x2 + 6 * x3,
                ]
            )
        sums = [a + b for a, b in zip(*halves)]
        return [(x + s) % P for half in halves for x, s in zip(half, sums)]

    @classmethod
    def internal(cls, state):
        """The matrix of ones plus the diagonal."""
        total = sum(state)
        return [(total + d * x) % P for d, x in zip(cls.DIAGONAL, state)]
