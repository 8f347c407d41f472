// The pad of a signature by hand: records what a pen, a finger or a mouse does in a box, and shows the ink. Every sample is kept and none is
// changed; the ink is drawn from them, so that whatever becomes of the box loses and displaces nothing. Samples stay in memory alone.

/** Size of the box in which positions are told, however large the screen shows it, in CSS pixels. */
export const WIDTH = 600;
export const HEIGHT = 200;

/** The longest recording, in milliseconds from its first sample: the server takes no longer one. */
const MAX_TIME = 60_000;

/** The furthest position either way that the server takes; a mouse may leave the box further on a large screen, and is not recorded there. */
const MAX_POSITION = 3_276;

/** How long after a pen was seen touches are those of the hand that holds it, in milliseconds. */
const PALM = 2_000;

/** Pixels of the picture for one of the box: at most 1200 x 400 in all. */
const SHARPNESS = 2;

export interface Sample {
  /** In the box of `WIDTH` by `HEIGHT`; outside of it where the pointer left it. */
  readonly x: number;
  readonly y: number;
  /** Milliseconds since the first sample of all. */
  readonly t: number;
  /** 0 to 1, of a pen. */
  readonly pressure: number | null;
  /** Degrees along x and y, -90 to 90, of a pen. */
  readonly tilt: readonly [number, number] | null;
}

export interface Stroke {
  /** What it was made with. */
  readonly device: string;
  readonly samples: Sample[];
}

/** What a pad tells of itself: a stroke ended, or the time for it is over. */
export type News = "stroke" | "over";

const rounded = (value: number, per: number): number => Math.round(value * per) / per;

/** Thickness of the ink at a sample. */
const thickness = ({ pressure }: Sample): number => (pressure ? 0.8 + 2.8 * pressure : 2.2);

/** Draws a stroke from one of its samples on: curves from the middle of a step to that of the next, so that there are no corners. */
function trace(context: CanvasRenderingContext2D, { samples }: Stroke, from: number): void {
  for (let at = from; at < samples.length; at++) {
    const [before, corner, next] = [samples[at - 2], samples[at - 1], samples[at]!];
    context.lineWidth = thickness(next);
    context.beginPath();
    if (!corner) {
      // A line without length is a dot.
      context.moveTo(next.x, next.y);
      context.lineTo(next.x, next.y);
    } else {
      const start = before ? { x: (before.x + corner.x) / 2, y: (before.y + corner.y) / 2 } : corner;
      context.moveTo(start.x, start.y);
      context.quadraticCurveTo(corner.x, corner.y, (corner.x + next.x) / 2, (corner.y + next.y) / 2);
    }
    context.stroke();
  }
}

/** The last half step of a stroke, once it has ended. */
function finish(context: CanvasRenderingContext2D, { samples }: Stroke): void {
  const [corner, last] = [samples.at(-2), samples.at(-1)];
  if (!corner || !last) return;
  context.lineWidth = thickness(last);
  context.beginPath();
  context.moveTo((corner.x + last.x) / 2, (corner.y + last.y) / 2);
  context.lineTo(last.x, last.y);
  context.stroke();
}

/** A canvas ready for ink: black, on nothing. */
function inkable(canvas: HTMLCanvasElement, scale: number, left = 0, top = 0): CanvasRenderingContext2D {
  const context = canvas.getContext("2d")!;
  context.setTransform(scale, 0, 0, scale, -left * scale, -top * scale);
  context.lineCap = context.lineJoin = "round";
  context.strokeStyle = "#000";
  return context;
}

export class Pad {
  /** The box, to be put into a page. */
  readonly canvas = document.createElement("canvas");
  readonly strokes: Stroke[] = [];

  /** The pointer that draws now. */
  private pointer: number | null = null;
  /** When the first sample was made, by the clock of events. */
  private begin = 0;
  private penSeen = -Infinity;
  private readonly size = new ResizeObserver(() => this.fit());

  constructor(
    private readonly tell: (news: News) => void,
    /** Whether nothing may be drawn now. */
    private readonly locked: () => boolean,
  ) {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"] as const) {
      canvas.addEventListener(name, (event) => this.up(event));
    }
    // A long press is a part of the signature, and Apple's Scribble would take short strokes of a pencil for letters.
    for (const name of ["contextmenu", "touchmove"]) canvas.addEventListener(name, (event) => event.preventDefault(), { passive: false });
    this.size.observe(canvas);
  }

  get isEmpty(): boolean {
    return this.strokes.length === 0;
  }

  /** Takes the last stroke back. */
  undo(): void {
    this.pointer = null;
    this.strokes.pop();
    this.draw();
  }

  clear(): void {
    this.pointer = null;
    this.strokes.length = 0;
    this.draw();
  }

  /** Forgets everything, for good. */
  close(): void {
    this.clear();
    this.size.disconnect();
  }

  /** What was drawn, as `rubrica-strokes-1`. Pressure and tilt are told where a pen measures them: what never changes is no measurement. */
  record(): string {
    const all = this.strokes.flatMap(({ samples }) => samples);
    const pressed = new Set(all.map(({ pressure }) => pressure).filter((pressure) => pressure !== null)).size > 1;
    const tilted = all.some(({ tilt }) => tilt !== null && (tilt[0] !== 0 || tilt[1] !== 0));
    const row = ({ x, y, t, pressure, tilt }: Sample): (number | null)[] => {
      const force = pressed && pressure !== null ? rounded(pressure, 1_000) : null;
      const place = [rounded(x, 10), rounded(y, 10), rounded(t, 10)];
      if (tilted) return [...place, force, ...(tilt ?? [null, null])];
      return pressed ? [...place, force] : place;
    };
    const devices = new Set(this.strokes.map(({ device }) => device));
    return JSON.stringify({
      format: "rubrica-strokes-1",
      width: WIDTH,
      height: HEIGHT,
      unit: "css-px",
      device: devices.size === 1 ? [...devices][0] : "unknown",
      strokes: this.strokes.map(({ samples }) => samples.map(row)),
    });
  }

  /** The ink that the box shows, cut to its bounds: a PNG in base64. */
  image(): string {
    const all = this.strokes.flatMap(({ samples }) => samples);
    // Half of the thickest ink, and what smoothing adds.
    const margin = 3;
    const low = (values: number[], end: number): number => Math.max(0, Math.min(end, ...values.map(Math.floor)) - margin);
    const high = (values: number[], end: number): number => Math.min(end, Math.max(0, ...values.map(Math.ceil)) + margin);
    const [xs, ys] = [all.map(({ x }) => x), all.map(({ y }) => y)];
    const [left, top] = [low(xs, WIDTH), low(ys, HEIGHT)];
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, high(xs, WIDTH) - left) * SHARPNESS;
    canvas.height = Math.max(1, high(ys, HEIGHT) - top) * SHARPNESS;
    this.ink(inkable(canvas, SHARPNESS, left, top));
    return canvas.toDataURL("image/png").replace(/^.*,/, "");
  }

  // What is done in the box

  private down(event: PointerEvent): void {
    const { pointerType, timeStamp, pointerId } = event;
    const isPen = pointerType === "pen";
    if (isPen) this.penSeen = timeStamp;
    if (this.locked() || event.button !== 0) return;
    if (pointerType === "touch" && timeStamp - this.penSeen < PALM) return;
    if (this.pointer !== null) {
      // The hand may lie there before its pen comes down.
      if (!isPen || this.strokes.at(-1)?.device !== "touch") return;
      this.strokes.pop();
      this.draw();
    }
    // No selection, and nothing is dragged.
    event.preventDefault();
    this.fit();
    if (this.isEmpty) this.begin = timeStamp;
    else if (timeStamp - this.begin > MAX_TIME) return this.tell("over");
    const stroke: Stroke = { device: pointerType || "unknown", samples: [] };
    this.strokes.push(stroke);
    this.pointer = pointerId;
    this.add([event]);
    this.canvas.setPointerCapture(pointerId);
  }

  private move(event: PointerEvent): void {
    if (event.pointerType === "pen") this.penSeen = event.timeStamp;
    if (event.pointerId !== this.pointer) return;
    // All that the device has measured since the last picture; older browsers tell the last one alone.
    const measured = event.getCoalescedEvents?.() ?? [];
    this.add(measured.length ? measured : [event]);
  }

  private up(event: PointerEvent): void {
    if (event.pointerId === this.pointer) this.end("stroke");
  }

  private end(news: News): void {
    const stroke = this.strokes.at(-1);
    this.pointer = null;
    if (stroke) finish(this.context(), stroke);
    this.tell(news);
  }

  private add(events: PointerEvent[]): void {
    const stroke = this.strokes.at(-1);
    if (!stroke) return;
    const { left, top, width } = this.canvas.getBoundingClientRect();
    const scale = WIDTH / (width || WIDTH);
    const from = stroke.samples.length;
    let over = false;
    for (const { clientX, clientY, timeStamp, pointerType, pressure, tiltX, tiltY } of events) {
      const [x, y] = [(clientX - left) * scale, (clientY - top) * scale];
      const last = stroke.samples.at(-1)?.t ?? this.strokes.at(-2)?.samples.at(-1)?.t ?? 0;
      const t = Math.max(last, timeStamp - this.begin);
      over ||= t > MAX_TIME;
      if (over || Math.max(Math.abs(x), Math.abs(y)) > MAX_POSITION) continue;
      // What a finger "presses" is the size of its print, and a mouse says 0.5.
      const isPen = pointerType === "pen";
      stroke.samples.push({ x, y, t, pressure: isPen ? pressure : null, tilt: isPen ? [tiltX, tiltY] : null });
    }
    trace(this.context(), stroke, from);
    if (over) this.end("over");
  }

  // What is seen

  /** The canvas has as many pixels as the screen has for the box. */
  private fit(): void {
    const { canvas } = this;
    const { width, height } = canvas.getBoundingClientRect();
    if (width === 0) return;
    const [wide, high] = [Math.round(width * devicePixelRatio), Math.round(height * devicePixelRatio)];
    if (canvas.width === wide && canvas.height === high) return;
    canvas.width = wide;
    canvas.height = high;
    this.draw();
  }

  private context(): CanvasRenderingContext2D {
    return inkable(this.canvas, this.canvas.width / WIDTH);
  }

  private draw(): void {
    const context = this.context();
    context.clearRect(0, 0, WIDTH, HEIGHT * 2);
    this.ink(context);
  }

  private ink(context: CanvasRenderingContext2D): void {
    this.strokes.forEach((stroke, number) => {
      trace(context, stroke, 0);
      if (this.pointer === null || number < this.strokes.length - 1) finish(context, stroke);
    });
  }
}
