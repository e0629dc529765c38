"""Writes constants.json: the numbers of both permutations.

    python3 spec/constants.py > spec/constants.json

Kimchi's Poseidon (55 full rounds, x^7, width 3) is o1js's, so its numbers are read from the installed
o1js. Poseidon2 of width 8 is derived here as HorizenLabs/poseidon2 derives it, from a Grain LFSR.
"""

import json
import os
import subprocess
import sys

from field import P

HERE = os.path.dirname(os.path.abspath(__file__))
WIDTH, FULL_ROUNDS, PARTIAL_ROUNDS, FIELD_BITS = 8, 8, 57, 255
# The script draws candidates for the diagonal until the matrix passes its three checks (no
# invariant subspaces); for this field and width, six candidates fail before one passes.
REJECTED_DIAGONALS = 6


def grain():
    """Integers of FIELD_BITS bits from the self-shrinking LFSR of the Poseidon paper, appendix E."""
    parameters = ((1, 2), (0, 4), (FIELD_BITS, 12), (WIDTH, 12), (FULL_ROUNDS, 10), (PARTIAL_ROUNDS, 10), ((1 << 30) - 1, 30))
    state = [int(bit) for value, length in parameters for bit in format(value, f"0{length}b")]

    def step():
        bit = state[62] ^ state[51] ^ state[38] ^ state[23] ^ state[13] ^ state[0]
        del state[0]
        state.append(bit)
        return bit

    for _ in range(160):
        step()
    while True:
        value = 0
        for _ in range(FIELD_BITS):
            while step() == 0:
                step()
            value = 2 * value + step()
        yield value


def poseidon2():
    numbers = grain()
    canonical = (v for v in numbers if v < P)
    half = FULL_ROUNDS // 2
    widths = [WIDTH] * half + [1] * PARTIAL_ROUNDS + [WIDTH] * half
    constants = [[next(canonical) for _ in range(width)] for width in widths]
    for _ in range(REJECTED_DIAGONALS * WIDTH):
        next(numbers)
    return {"constants": constants, "diagonal": [(next(numbers) - 1) % P for _ in range(WIDTH)]}


def kimchi():
    module = os.path.join(HERE, "..", "node_modules", "o1js", "dist", "node", "bindings", "crypto", "constants.js")
    script = "import(process.argv[1]).then(({ poseidonParamsKimchiFp: { mds, roundConstants } }) => console.log(JSON.stringify({ mds, roundConstants })))"
    text = subprocess.run(["node", "-e", script, module], check=True, capture_output=True, text=True).stdout
    numbers = json.loads(text)
    return {name: [[int(x) for x in row] for row in rows] for name, rows in numbers.items()}


if __name__ == "__main__":
    tables = {"kimchi": kimchi(), "poseidon2": poseidon2()}
    strings = json.loads(json.dumps(tables), parse_int=str)
    json.dump(strings, sys.stdout, indent=1)
    sys.stdout.write("\n")
