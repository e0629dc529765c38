/** MoE dispatch: which slots (token, rank) go to which expert. Slot index = token * topk + rank. */

/** Slots of each selected expert, experts ascending, slots ascending. */
export function dispatch(expert: BigInt64Array): Map<number, Int32Array> {
  const lists = new Map<number, number[]>();
  expert.forEach((e, slot) => {
    const list = lists.get(Number(e));
    if (list) list.push(slot);
    else lists.set(Number(e), [slot]);
  });
  const ordered = [...lists.keys()].sort((a, b) => a - b);
  return new Map(ordered.map((e) => [e, Int32Array.from(lists.get(e) as number[])]));
}

/** The rows of x (any, width) in the order given. */
export function gatherRows(x: BigInt64Array, rows: Int32Array, width: number): BigInt64Array {
  const out = new BigInt64Array(rows.length * width);
  rows.forEach((row, i) => out.set(x.subarray(row * width, (row + 1) * width), i * width));
  return out;
}

/** Inverse of gatherRows: row i of x goes to row rows[i] of out. */
export function scatterRows(
  x: BigInt64Array,
  rows: Int32Array,
  width: number,
  out: BigInt64Array,
): void {
  rows.forEach((row, i) => out.set(x.subarray(i * width, (i + 1) * width), row * width));
}
