// Hands that sign: what a mouse, a finger and a pen do on the pad, as the browser itself has them from a device.

import type { CDPSession, Locator, Page } from "@playwright/test";

/** A place in the box, in parts of its width and height. */
export type Place = readonly [number, number];

const way = (count: number, at: (part: number) => Place): Place[] => Array.from({ length: count }, (_, n) => at(n / (count - 1)));

/** Loops from left to right, as people write. */
export const SIGNATURE = way(60, (part) => [
  0.12 + 0.7 * part + 0.06 * Math.cos(part * 26),
  0.5 + 0.32 * Math.sin(part * 26) * (1 - 0.5 * part),
]);

export const LINE = way(40, (part) => [0.1 + 0.8 * part, 0.6 - 0.2 * part]);

/** Scratched around one place. */
export const DOT = way(40, (part) => [0.5 + 0.01 * Math.cos(part * 40), 0.5 + 0.03 * Math.sin(part * 40)]);

/** The box. */
export const pad = (page: Page): Locator => page.getByRole("img", { name: /^Your signature:/ });

/** Where the places are in the window now. */
async function pixels(page: Page, places: readonly Place[]): Promise<{ x: number; y: number }[]> {
  const canvas = pad(page).locator("canvas");
  await canvas.scrollIntoViewIfNeeded();
  const box = await canvas.boundingBox();
  if (!box) throw new Error("the pad is not shown");
  return places.map(([x, y]) => ({ x: box.x + x * box.width, y: box.y + y * box.height }));
}

const sessions = new WeakMap<Page, Promise<CDPSession>>();

/** Chromium's own way to say what a device does; Playwright has no pens. */
function devices(page: Page): Promise<CDPSession> {
  const known = sessions.get(page) ?? page.context().newCDPSession(page);
  sessions.set(page, known);
  return known;
}

/** When each page's last event was, by the clock of events, in seconds. */
const clocks = new WeakMap<Page, number>();

/** Time that goes by before a hand moves again, by that clock: how long the machine takes for it is no part of it. */
export function pause(page: Page, seconds: number): void {
  clocks.set(page, (clocks.get(page) ?? Date.now() / 1_000) + seconds);
}

/** Says something of a device so many milliseconds after what was said before: a hand is as steady as its machine is not. */
async function tell(page: Page, kind: "Mouse" | "Touch", event: object, after: number): Promise<void> {
  const timestamp = (clocks.get(page) ?? 0) + after / 1_000;
  clocks.set(page, timestamp);
  // What an event has depends on its method, which types do not follow here.
  await (await devices(page)).send(`Input.dispatch${kind}Event`, { ...event, timestamp } as never);
}

export interface Held {
  /** 0 to 1, by the number of the sample. */
  force: (at: number) => number;
  /** Degrees. */
  tilt: readonly [number, number];
}

/** Draws a stroke with a mouse or a pen, with so many milliseconds from sample to sample. */
async function stroke(page: Page, places: readonly Place[], held: Held | null, step: number): Promise<void> {
  const all = await pixels(page, places);
  const how = (at: number): object =>
    held ? { pointerType: "pen", force: held.force(at), tiltX: held.tilt[0], tiltY: held.tilt[1] } : { pointerType: "mouse" };
  const say = (type: "mousePressed" | "mouseMoved" | "mouseReleased", at: number, after: number): Promise<void> => {
    const event = { type, ...all[at]!, button: "left", buttons: 1, clickCount: type === "mouseMoved" ? 0 : 1, ...how(at) } as const;
    return tell(page, "Mouse", type === "mouseReleased" ? { ...event, buttons: 0, force: 0 } : event, after);
  };
  pause(page, 0.1);
  await say("mousePressed", 0, 0);
  for (let at = 1; at < all.length; at++) await say("mouseMoved", at, step);
  await say("mouseReleased", all.length - 1, 1);
}

export const mouse = (page: Page, places: readonly Place[], step = 8): Promise<void> => stroke(page, places, null, step);

export const pen = (page: Page, places: readonly Place[], held: Held, step = 8): Promise<void> => stroke(page, places, held, step);

/** Draws a stroke with a finger. It stays on the glass where it is not lifted. */
export async function finger(page: Page, places: readonly Place[], lift = true): Promise<void> {
  const touch = (type: "touchStart" | "touchMove", point: { x: number; y: number }): Promise<void> =>
    tell(page, "Touch", { type, touchPoints: [point] }, 8);
  const [first, ...rest] = await pixels(page, places);
  if (!first) return;
  pause(page, 0.1);
  await touch("touchStart", first);
  for (const point of rest) await touch("touchMove", point);
  if (lift) await raise(page);
}

/** Takes the finger off the glass. */
export const raise = (page: Page): Promise<void> => tell(page, "Touch", { type: "touchEnd", touchPoints: [] }, 8);

/** Fills the pad with more than can be sent. Ten thousands of samples come faster from a script than from a device. */
export async function scribble(page: Page): Promise<void> {
  await mouse(page, SIGNATURE.slice(0, 2));
  // Of a script's own events the browser says the time.
  await pad(page)
    .locator("canvas")
    .evaluate(async (canvas) => {
      const { left, top, width, height } = canvas.getBoundingClientRect();
      const say = (type: string, at: number): void => {
        const [clientX, clientY] = [left + width * (0.5 + 0.45 * Math.sin(at / 37)), top + height * (0.5 + 0.45 * Math.cos(at / 53))];
        // A mouse is there always, and its number is 1.
        canvas.dispatchEvent(new PointerEvent(type, { clientX, clientY, pointerId: 1, pointerType: "mouse", button: 0, buttons: 1 }));
      };
      say("pointerdown", 0);
      for (let at = 1; at < 20_000; at++) {
        say("pointermove", at);
        if (at % 500 === 0) await new Promise((go) => setTimeout(go, 10));
      }
      say("pointerup", 20_000);
    });
}

/** Draws a stroke of which the browser tells all but the first sample at once, as between two pictures of a slow screen. Then it is taken away. */
export async function burst(page: Page, samples: number): Promise<void> {
  await pad(page)
    .locator("canvas")
    .evaluate((canvas, samples) => {
      const { left, top } = canvas.getBoundingClientRect();
      const at = (n: number): PointerEventInit => ({ clientX: left + 20 + n, clientY: top + 30, pointerId: 1, pointerType: "mouse", buttons: 1 });
      const coalescedEvents = Array.from({ length: samples }, (_, n) => new PointerEvent("pointermove", at(n)));
      canvas.dispatchEvent(new PointerEvent("pointerdown", { ...at(0), button: 0 }));
      canvas.dispatchEvent(new PointerEvent("pointermove", { ...at(samples), coalescedEvents }));
      canvas.dispatchEvent(new PointerEvent("pointercancel", at(samples)));
    }, samples);
}

/** A sample as the browser tells it to a page. */
export interface Told {
  x: number;
  y: number;
  t: number;
  pressure: number;
  tilt: [number, number];
  down: boolean;
}

/** Has the page write down what it is told of the canvas, before the pad hears of it. */
export async function overhear(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const told: Told[] = [];
    Object.assign(globalThis, { told });
    let pointer = -1;
    const put = (event: PointerEvent, down: boolean): void => {
      const { clientX: x, clientY: y, timeStamp: t, pressure, tiltX, tiltY } = event;
      told.push({ x, y, t, pressure, tilt: [tiltX, tiltY], down });
    };
    document.addEventListener(
      "pointerdown",
      (event) => {
        if (!(event.composedPath()[0] instanceof HTMLCanvasElement)) return;
        pointer = event.pointerId;
        put(event, true);
      },
      true,
    );
    document.addEventListener(
      "pointermove",
      (event) => {
        if (event.pointerId !== pointer) return;
        const all = event.getCoalescedEvents();
        for (const one of all.length ? all : [event]) put(one, false);
      },
      true,
    );
    document.addEventListener("pointerup", () => (pointer = -1), true);
  });
}

export const overheard = (page: Page): Promise<Told[]> => page.evaluate(() => (globalThis as unknown as { told: Told[] }).told);

/** `rubrica-strokes-1`, as a server reads it. */
export interface Strokes {
  format: string;
  width: number;
  height: number;
  unit: string;
  device: string;
  strokes: (number | null)[][][];
}

/** What a call of the page has in it. */
export function sent(body: unknown): { record: Strokes; text: string; image: Buffer } {
  const { biometric_data: text, signature_image } = body as { biometric_data: string; signature_image: string };
  return { record: JSON.parse(text) as Strokes, text, image: Buffer.from(signature_image, "base64") };
}
