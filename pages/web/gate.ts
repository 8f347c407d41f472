// Whether what was drawn can be a signature, before it is sent. It does not judge whose it is: people sign with a cross. The server measures
// the same and decides; its default bounds are those below, but for the shortest time and the way, where the page asks for a little more.

import { HEIGHT, WIDTH, type Sample, type Stroke } from "./pad.js";

/** What is wrong with it. */
export type Weakness = "empty" | "short" | "small" | "straight" | "coarse";

/** Milliseconds from the first sample to the last. */
const MIN_TIME = 300;
const MIN_SAMPLES = 20;
/** On a grid of one pixel. */
const MIN_POSITIONS = 15;
/** Part of the box's width or height. */
const MIN_SIZE = 0.1;
/** Deviation across the principal axis to that along it: a line has none. */
const MIN_SPREAD = 0.03;
/** The way of the pen to the diagonal around it, and how far it turned in radians: one of them is reached by all but lines and arcs. */
const MIN_LENGTH = 1.2;
const MIN_TURNING = 3;
/** Samples a second. */
const MIN_RATE = 25;

const distance = (one: Sample, other: Sample): number => Math.hypot(other.x - one.x, other.y - one.y);

const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);

/** Samples that follow each other in a stroke. */
const pairs = ({ samples }: Stroke): [Sample, Sample][] => samples.slice(1).map((next, at) => [samples[at]!, next]);

const range = (values: number[]): number => values.reduce((a, b) => Math.max(a, b)) - values.reduce((a, b) => Math.min(a, b));

/** By the eigenvalues of the covariance of all positions. */
function spread(samples: Sample[]): number {
  const mean = (values: number[]): number => sum(values) / values.length;
  const [middleX, middleY] = [mean(samples.map(({ x }) => x)), mean(samples.map(({ y }) => y))];
  const xx = mean(samples.map(({ x }) => (x - middleX) ** 2));
  const yy = mean(samples.map(({ y }) => (y - middleY) ** 2));
  const xy = mean(samples.map(({ x, y }) => (x - middleX) * (y - middleY)));
  const [middle, half] = [(xx + yy) / 2, Math.hypot((xx - yy) / 2, xy)];
  return middle + half > 0 ? Math.sqrt(Math.max(0, middle - half) / (middle + half)) : 0;
}

/** The sum of all changes of direction, over steps of a pixel at least. */
function turning({ samples }: Stroke): number {
  let [from, direction, total]: [Sample | undefined, number | null, number] = [samples[0], null, 0];
  for (const next of samples) {
    if (!from || distance(from, next) < 1) continue;
    const now = Math.atan2(next.y - from.y, next.x - from.x);
    const change = direction === null ? 0 : Math.abs(now - direction);
    total += Math.min(change, 2 * Math.PI - change);
    [from, direction] = [next, now];
  }
  return total;
}

/** The first weakness that a person can do something about. */
export function weakness(strokes: readonly Stroke[]): Weakness | null {
  const steps = strokes.flatMap(pairs);
  const samples = strokes.flatMap(({ samples }) => samples);
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last) return "empty";
  if (last.t - first.t < MIN_TIME) return "short";

  const way = sum(steps.map(([one, next]) => distance(one, next)));
  const [width, height] = [range(samples.map(({ x }) => x)), range(samples.map(({ y }) => y))];
  const positions = new Set(samples.map(({ x, y }) => `${Math.round(x)} ${Math.round(y)}`)).size;
  const tiny = width < WIDTH * MIN_SIZE && height < HEIGHT * MIN_SIZE;
  if (way < HEIGHT || tiny || samples.length < MIN_SAMPLES || positions < MIN_POSITIONS) return "small";

  const simple = way < Math.hypot(width, height) * MIN_LENGTH && sum(strokes.map(turning)) < MIN_TURNING;
  if (simple || spread(samples) < MIN_SPREAD) return "straight";

  const pauses = steps.map(([one, next]) => next.t - one.t).filter((pause) => pause > 0);
  const median = pauses.sort((a, b) => a - b)[pauses.length >> 1] ?? Infinity;
  return 1_000 / median < MIN_RATE ? "coarse" : null;
}
