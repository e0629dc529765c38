/**
 * A product of integer matrices (2 x 4 by 4 x 8), and a short integer relation of the powers of a challenge known in advance:
 * sum_i kernel_i z^i = 0 mod p. z is the hash of an input, as a prover computes it that draws its challenge before its outputs.
 */
export const z = 0x24d7caeeb29d608475ab6b5024c9ae1cb25ac9006ca79ea7a3dbf6ec23c54a08n;
export const X = [
  [-970024, -1567774, 42522, -1107979],
  [2058858, 1673452, 1864328, 1087291],
];
export const W = [
  [-21499099, -83827247, 127698320, -118998795],
  [75059281, 98122320, -133087052, 104897701],
  [8767400, -11401946, -79334941, 36201010],
  [-117794853, -122233636, -120556585, -129275865],
  [70439737, -17931813, 92404382, -118626576],
  [-15197921, 100871380, 131969442, -9081465],
  [51378768, -10272197, -16760555, 112530002],
  [21357589, -122680530, 89217175, -80530489],
];
export const kernel = [
  8912, 11813, -4091, -32450, -6909, 30067, -11650, 21011, 28748, 5863, -21263, -8524, 8810, 33347,
  1029, -17229,
];
