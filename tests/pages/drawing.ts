// Pages of a document as the server draws them, for tests that need no document: lines of grey, with the words that stand for them.

import { deflateSync } from "node:zlib";

import type { Page, Run } from "../../pages/web/types.js";

const A4 = { width: 595, height: 842 };
const LINES = 40;

const WORDS =
  "The tenant pays the rent of each month within its first seven days to the account that the landlord names . Both agree that the flat is handed over in good order and that what is broken is told in writing";

/** The lines of a page, where they stand. */
export function text(page: number): Run[] {
  const words = WORDS.split(" ");
  return Array.from({ length: LINES }, (_, line) => {
    const from = (page * 7 + line * 5) % words.length;
    const s = line === 0 ? `Section ${page + 1}` : [...words, ...words].slice(from, from + 9).join(" ");
    return { x: 60, y: 70 + line * 18 + (line > 0 ? 12 : 0), w: line === 0 ? 130 : 420 - ((line * 37) % 90), h: line === 0 ? 20 : 12, s };
  });
}

export function page(number: number, state: Page["state"] = "complete"): Page {
  return { ...A4, state, text: state === "complete" || state === "partial" ? text(number) : [] };
}

const TABLE = Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});

/** CRC-32 as PNG has it. */
function crc32(bytes: Buffer): number {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = (TABLE[(sum ^ byte) & 255] ?? 0) ^ (sum >>> 8);
  return (sum ^ 0xffffffff) >>> 0;
}

function chunk(kind: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(kind), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

const drawn = new Map<string, Buffer>();

/** A page as PNG. */
export function png(number: number, width: number): Buffer {
  const key = `${number}/${width}`;
  const made = drawn.get(key);
  if (made) return made;
  const height = Math.round((width * A4.height) / A4.width);
  const scale = width / A4.width;
  const row = width + 1;
  const pixels = Buffer.alloc(row * height, 255);
  for (let y = 0; y < height; y++) pixels[y * row] = 0;
  for (const { x, y, w, h, s } of text(number)) {
    const letter = w / s.length;
    for (let at = 0; at < s.length; at++) {
      if (s[at] === " ") continue;
      const [left, right] = [Math.round((x + at * letter) * scale), Math.round((x + (at + 0.75) * letter) * scale)];
      const [top, bottom] = [Math.round((y + h * 0.2) * scale), Math.round((y + h * 0.8) * scale)];
      for (let line = top; line < bottom; line++) pixels.fill(70, line * row + 1 + left, line * row + 1 + right);
    }
  }
  const file = encoded(width, height, pixels);
  drawn.set(key, file);
  return file;
}

/** Grey rows, each with the number of its filter before it, as PNG. */
function encoded(width: number, height: number, pixels: Buffer): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 0, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", head),
    chunk("IDAT", deflateSync(pixels, { level: 1 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** Something like a card on a dark table, with a photo on the front. No zone that can be read. */
export function card(side: "front" | "back", width = 1_000): Buffer {
  const height = Math.round(width / 1.586);
  const row = width + 1;
  const pixels = Buffer.alloc(row * height, 40);
  const fill = (x: number, y: number, w: number, h: number, grey: number): void => {
    for (let line = Math.round(y * height); line < Math.round((y + h) * height); line++) {
      const from = line * row + 1;
      pixels.fill(grey, from + Math.round(x * width), from + Math.round((x + w) * width));
    }
  };
  for (let y = 0; y < height; y++) pixels[y * row] = 0;
  fill(0.03, 0.04, 0.94, 0.92, 220);
  if (side === "front") fill(0.08, 0.25, 0.25, 0.55, 120);
  const [left, top] = side === "front" ? [0.4, 0.25] : [0.08, 0.55];
  for (let line = 0; line < 5; line++) {
    for (let letter = 0; letter < 20; letter++) fill(left + letter * 0.025, top + line * 0.08, 0.015, 0.04, 60);
  }
  return encoded(width, height, pixels);
}
