// A QR code (ISO/IEC 18004) of a text, made in the browser, as what it says is for nobody else: bytes, error correction of level M, up to
// version 20.

/** Codewords of error correction in a block, and blocks, by version from 1 on; of level M. */
const CORRECTION = [10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26];
const BLOCKS = [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16];

export interface QrCode {
  /** Modules along a side, without the quiet zone of four. */
  size: number;
  /** The dark ones, as the path of an SVG with a unit for each. */
  path: string;
}

type Grid = (0 | 1 | undefined)[][];

const grid = (size: number): Grid => Array.from({ length: size }, () => Array.from<0 | 1 | undefined>({ length: size }));

/** All codewords of a version: what is left of its modules besides the patterns. */
function codewords(version: number): number {
  let modules = (16 * version + 128) * version + 64;
  if (version > 1) {
    const along = Math.floor(version / 7) + 2;
    modules -= (25 * along - 10) * along - 55;
    if (version > 6) modules -= 36;
  }
  return modules >> 3;
}

const capacity = (version: number): number => codewords(version) - CORRECTION[version - 1]! * BLOCKS[version - 1]!;

/** Product in the field of 256 elements, modulo x^8 + x^4 + x^3 + x^2 + 1. */
function product(one: number, other: number): number {
  let result = 0;
  for (let bit = 7; bit >= 0; bit--) {
    result = (result << 1) ^ ((result >> 7) * 0x11d) ^ (((other >> bit) & 1) * one);
  }
  return result;
}

/** Reed-Solomon's remainder. */
function correction(data: number[], length: number): number[] {
  let divisor = [...Array<number>(length - 1).fill(0), 1];
  for (let at = 0, root = 1; at < length; at++, root = product(root, 2)) {
    divisor = divisor.map((coefficient, place) => product(coefficient, root) ^ (divisor[place + 1] ?? 0));
  }
  const rest = Array<number>(length).fill(0);
  for (const byte of data) {
    const factor = byte ^ rest.shift()!;
    rest.push(0);
    divisor.forEach((coefficient, place) => (rest[place]! ^= product(coefficient, factor)));
  }
  return rest;
}

/** Data with their correction, as they stand in the code. */
function content(bytes: Uint8Array, version: number): number[] {
  const bits: number[] = [];
  const put = (value: number, length: number): void => {
    for (let bit = length - 1; bit >= 0; bit--) bits.push((value >> bit) & 1);
  };
  put(4, 4);
  put(bytes.length, version < 10 ? 8 : 16);
  bytes.forEach((byte) => put(byte, 8));
  const room = capacity(version);
  put(0, Math.min(4, room * 8 - bits.length));
  put(0, -bits.length & 7);
  for (let pad = 0xec; bits.length < room * 8; pad ^= 0xec ^ 0x11) put(pad, 8);
  const data = Array.from({ length: room }, (_, at) => parseInt(bits.slice(at * 8, at * 8 + 8).join(""), 2));

  const [count, length] = [BLOCKS[version - 1]!, CORRECTION[version - 1]!];
  const all = codewords(version);
  const short = Math.floor(all / count) - length;
  // The last blocks have one more.
  const firstLong = count - (all % count);
  let from = 0;
  const blocks = Array.from({ length: count }, (_, number) => data.slice(from, (from += short + (number < firstLong ? 0 : 1))));
  const corrections = blocks.map((block) => correction(block, length));
  const woven = (lists: number[][], longest: number): number[] =>
    Array.from({ length: longest }, (_, at) => lists.flatMap((list) => list[at] ?? [])).flat();
  return [...woven(blocks, short + 1), ...woven(corrections, length)];
}

/** Remainder of a code of Bose, Chaudhuri and Hocquenghem, behind its value. */
function checked(value: number, length: number, divisor: number): number {
  let rest = value;
  for (let bit = 0; bit < length; bit++) rest = (rest << 1) ^ ((rest >> (length - 1)) * divisor);
  return (value << length) | rest;
}

/** What every code of the version has. */
function patterns(version: number): Grid {
  const size = version * 4 + 17;
  const cells = grid(size);
  const set = (x: number, y: number, dark: boolean): void => {
    if (x >= 0 && y >= 0 && x < size && y < size) cells[y]![x] = dark ? 1 : 0;
  };
  const square = (x: number, y: number, reach: number, light: number[]): void => {
    for (let dy = -reach; dy <= reach; dy++) {
      for (let dx = -reach; dx <= reach; dx++) set(x + dx, y + dy, !light.includes(Math.max(Math.abs(dx), Math.abs(dy))));
    }
  };
  for (let at = 0; at < size; at++) {
    set(6, at, at % 2 === 0);
    set(at, 6, at % 2 === 0);
  }
  if (version > 1) {
    const along = Math.floor(version / 7) + 2;
    const step = Math.floor((version * 8 + along * 3 + 5) / (along * 4 - 4)) * 2;
    const places = Array.from({ length: along }, (_, at) => (at === 0 ? 6 : size - 7 - step * (along - 1 - at)));
    const corner = (x: number, y: number): boolean => [x, y].every((place) => place === 6 || place === size - 7) && (x === 6 || y === 6);
    for (const x of places) for (const y of places) if (!corner(x, y)) square(x, y, 2, [1]);
  }
  for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]] as const) square(x, y, 4, [2, 4]);
  if (version > 6) {
    const bits = checked(version, 12, 0x1f25);
    for (let bit = 0; bit < 18; bit++) {
      const [far, near] = [size - 11 + (bit % 3), Math.floor(bit / 3)];
      set(far, near, ((bits >> bit) & 1) === 1);
      set(near, far, ((bits >> bit) & 1) === 1);
    }
  }
  // Places of level and mask, until those are known.
  format(cells, 0);
  return cells;
}

/** Writes level M and the mask. */
function format(cells: Grid, mask: number): void {
  const size = cells.length;
  const bits = checked(mask, 10, 0x537) ^ 0x5412;
  for (let bit = 0; bit < 15; bit++) {
    const value = ((bits >> bit) & 1) as 0 | 1;
    const [x, y] = bit < 8 ? [8, bit < 6 ? bit : bit + 1] : [bit === 8 ? 7 : 14 - bit, 8];
    cells[y]![x] = value;
    if (bit < 8) cells[8]![size - 1 - bit] = value;
    else cells[size - 15 + bit]![8] = value;
  }
  cells[size - 8]![8] = 1;
}

const MASKS: ((x: number, y: number) => number)[] = [
  (x, y) => (x + y) % 2,
  (_, y) => y % 2,
  (x) => x % 3,
  (x, y) => (x + y) % 3,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2,
  (x, y) => ((x * y) % 2) + ((x * y) % 3),
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2,
];

/** How hard a code is to read. */
function penalty(cells: Grid): number {
  const size = cells.length;
  const rows = cells.map((row) => row.join(""));
  const lines = [...rows, ...cells.map((_, x) => cells.map((row) => row[x]).join(""))];
  let sum = 0;
  for (const line of lines) {
    for (const [run] of line.matchAll(/0{5,}|1{5,}/g)) sum += run.length - 2;
    sum += 40 * [...line.matchAll(/(?=00001011101|10111010000)/g)].length;
  }
  for (let y = 1; y < size; y++) {
    for (let x = 1; x < size; x++) {
      const four = rows[y - 1]!.slice(x - 1, x + 1) + rows[y]!.slice(x - 1, x + 1);
      if (four === "0000" || four === "1111") sum += 3;
    }
  }
  const dark = rows.join("").replace(/0/g, "").length;
  return sum + 10 * Math.floor(Math.abs(dark / (size * size) - 0.5) * 20);
}

/** The code of a text, `null` if it is too long for one. */
export default function code(text: string): QrCode | null {
  const bytes = new TextEncoder().encode(text);
  const version = BLOCKS.findIndex((_, at) => bytes.length + (at < 9 ? 2 : 3) <= capacity(at + 1)) + 1;
  if (version === 0) return null;
  const fixed = patterns(version);
  const size = fixed.length;
  const all = content(bytes, version);

  const masked = MASKS.map((mask, number) => {
    const cells = fixed.map((row) => [...row]);
    let bit = 0;
    // Two columns at a time from the right, up and down in turns; the column of the timing pattern is left out.
    for (let right = size - 1; right > 0; right -= right === 8 ? 3 : 2) {
      const upward = ((right < 6 ? right + 1 : right) & 2) === 0;
      for (let step = 0; step < size; step++) {
        const y = upward ? size - 1 - step : step;
        for (const x of [right, right - 1]) {
          if (fixed[y]![x] !== undefined) continue;
          // The last few modules stand for nothing.
          const value = ((all[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1;
          cells[y]![x] = (value ^ (mask(x, y) === 0 ? 1 : 0)) as 0 | 1;
          bit++;
        }
      }
    }
    format(cells, number);
    return cells;
  });
  const judged = masked.map((cells) => ({ cells, penalty: penalty(cells) }));
  const best = judged.reduce((one, other) => (other.penalty < one.penalty ? other : one));
  const path = best.cells.flatMap((row, y) =>
    [...row.join("").matchAll(/1+/g)].map(({ 0: run, index }) => `M${index} ${y}h${run.length}v1h-${run.length}z`),
  );
  return { size, path: path.join("") };
}
