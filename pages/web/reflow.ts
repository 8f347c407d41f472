// The text of a page as paragraphs, for people who do not look at it as a picture. Pages say where letters stand, not what belongs together:
// lines are joined by where they are.

import type { Run } from "./types.js";

/** Part of the height of a line by which the next one may be off and still be the same line. */
const SAME_LINE = 0.5;

/** Lines that are further apart, in heights of a line, begin a paragraph. */
const PARAGRAPH = 1.8;

/** A gap in a line, in heights, that is a blank. */
const BLANK = 0.18;

interface Line {
  top: number;
  height: number;
  left: number;
  right: number;
  text: string;
}

function lines(runs: readonly Run[]): Line[] {
  const found: Line[] = [];
  for (const { x, y, w, h, s } of runs) {
    if (s === "") continue;
    const last = found.at(-1);
    const same = last !== undefined && Math.abs(last.top - y) < SAME_LINE * Math.max(h, last.height) && x >= last.left;
    if (!same) {
      found.push({ top: y, height: h, left: x, right: x + w, text: s });
      continue;
    }
    const blank = x - last.right > BLANK * h && !last.text.endsWith(" ") && !s.startsWith(" ");
    last.text += (blank ? " " : "") + s;
    last.right = Math.max(last.right, x + w);
    last.height = Math.max(last.height, h);
  }
  return found;
}

/** Paragraphs, in the order in which the page draws them. */
export function paragraphs(runs: readonly Run[]): string[] {
  const found: string[] = [];
  let before: Line | null = null;
  for (const line of lines(runs)) {
    const text = line.text.replace(/\s+/g, " ").trim();
    if (text === "") continue;
    const down: number = before === null ? Infinity : line.top - before.top;
    const alike = before !== null && Math.abs(line.height - before.height) < 0.3 * before.height;
    const last = found.at(-1);
    if (last !== undefined && alike && down > 0 && down < PARAGRAPH * line.height) {
      // A word that was divided at the end of a line.
      found[found.length - 1] = /\p{Ll}-$/u.test(last) && /^\p{Ll}/u.test(text) ? last.slice(0, -1) + text : `${last} ${text}`;
    } else {
      found.push(text);
    }
    before = line;
  }
  return found;
}
