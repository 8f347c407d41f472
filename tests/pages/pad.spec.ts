// Signing by hand: what pen, finger and mouse do is what is sent, whatever happens to the box meanwhile; and nothing is sent that cannot be a
// signature.

import type { Page } from "@playwright/test";

import jsqr from "jsqr";

import qrCode from "../../pages/web/qr.js";
import * as hand from "./hand.js";
import { LINK, LINK_TOKEN, ORG, SECRET, SIGN, button, error, expect, heading, test, toDocuments, toSign, type Scene } from "./scene.js";

const byHand = (scene: Scene): void => void (scene.invitation.sign_type = "BIOMETRIC");

/** How often a picture of the pad is asked whether ink is there: it is drawn with the next frame. */
const INK = { timeout: 2_000 };

async function signs(page: Page): Promise<void> {
  await page.getByRole("checkbox").check();
  await button(page, "Sign").click();
  await expect(heading(page, "You have signed")).toBeVisible();
}

/** The only handwriting that was sent. */
function taken(scene: Scene): ReturnType<typeof hand.sent> {
  const calls = scene.sent("POST sign");
  expect(calls).toHaveLength(1);
  expect(Object.keys(calls[0]!.body as object).sort()).toEqual(["biometric_data", "signature_image"]);
  return hand.sent(calls[0]!.body);
}

/** Part of a square around a place of the box that has ink. */
const inkAt = (page: Page, [x, y]: hand.Place): Promise<number> =>
  hand.pad(page)
    .locator("canvas")
    .evaluate(
      (canvas: HTMLCanvasElement, [x, y]) => {
        const side = Math.ceil(canvas.width / 60);
        // A copy: the browser warns who reads a canvas that it draws fast.
        const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true })!;
        copy.drawImage(canvas, 0, 0);
        const [left, top] = [x * canvas.width, y * canvas.height].map((middle) => Math.round(middle - side / 2));
        const { data } = copy.getImageData(left!, top!, side, side);
        return data.filter((value, at) => at % 4 === 3 && value > 60).length / (side * side);
      },
      [x, y] as const,
    );

/** Where the box is. */
const frame = (page: Page): Promise<{ x: number; y: number; width: number }> =>
  hand.pad(page)
    .locator("canvas")
    .evaluate((canvas) => {
      const { x, y, width } = canvas.getBoundingClientRect();
      return { x, y, width };
    });

/** The rows that follow from what the browser told the page, for a box of this place and width. */
function rows(told: hand.Told[], box: { x: number; y: number; width: number }): number[][][] {
  const scale = 600 / box.width;
  const tenths = (value: number): number => Math.round(value * 10) / 10;
  const strokes: number[][][] = [];
  for (const { x, y, t, down } of told) {
    if (down) strokes.push([]);
    strokes.at(-1)!.push([tenths((x - box.x) * scale), tenths((y - box.y) * scale), tenths(t - told[0]!.t)]);
  }
  return strokes;
}

test("what a mouse draws is what is sent: every sample, its place and its time, and no pressure", async ({ page, scene }) => {
  byHand(scene);
  await hand.overhear(page);
  await toSign(page);
  await hand.mouse(page, hand.SIGNATURE);
  await hand.mouse(page, hand.LINE);
  const box = await frame(page);
  const told = await hand.overheard(page);
  await signs(page);
  const { record, image } = taken(scene);
  const { strokes, ...rest } = record;
  expect(rest).toEqual({ format: "rubrica-strokes-1", width: 600, height: 200, unit: "css-px", device: "mouse" });
  expect(strokes.map(({ length }) => length)).toEqual([hand.SIGNATURE.length, hand.LINE.length]);
  expect(strokes).toEqual(rows(told, box));
  expect(strokes[0]![0]![2]).toBe(0);
  const times = strokes.flat().map(([, , t]) => t!);
  expect(times.every((time, at) => at === 0 || time >= times[at - 1]!)).toBe(true);
  // The picture: ink alone, on nothing, cut to its bounds.
  expect(image.subarray(1, 4).toString()).toBe("PNG");
  const [width, height] = [image.readUInt32BE(16), image.readUInt32BE(20)];
  expect(width).toBeLessThanOrEqual(1200);
  expect(height).toBeLessThanOrEqual(600);
  const seen = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const context = new OffscreenCanvas(picture.width, picture.height).getContext("2d")!;
    context.drawImage(picture, 0, 0);
    const { data } = context.getImageData(0, 0, picture.width, picture.height);
    const colours = new Set<number>();
    const [columns, lines] = [new Set<number>(), new Set<number>()];
    let full = 0;
    for (let at = 0; at < data.length; at += 4) {
      if (data[at + 3] === 0) continue;
      colours.add(data[at]! + data[at + 1]! + data[at + 2]!);
      columns.add((at / 4) % picture.width);
      lines.add(Math.floor(at / 4 / picture.width));
      if (data[at + 3] === 255) full++;
    }
    const ends = (places: Set<number>): [number, number] => [Math.min(...places), Math.max(...places)];
    return { colours: [...colours], columns: ends(columns), lines: ends(lines), full };
  }, image.toString("base64"));
  expect(seen.colours).toEqual([0]);
  expect(seen.full).toBeGreaterThan(100);
  // Not more than a margin of a few pixels at each side.
  for (const [[first, last], end] of [[seen.columns, width], [seen.lines, height]] as const) {
    expect(first).toBeLessThan(10);
    expect(end - last).toBeLessThan(11);
  }
});

test("a pen tells how hard it presses and how it is held", async ({ page, scene }) => {
  byHand(scene);
  await hand.overhear(page);
  await toSign(page);
  const force = (at: number): number => 0.2 + 0.01 * (at % 50);
  await hand.pen(page, hand.SIGNATURE, { force, tilt: [30, -12] });
  const told = await hand.overheard(page);
  await signs(page);
  const { record } = taken(scene);
  expect(record.device).toBe("pen");
  const samples = record.strokes.flat();
  expect(samples.every((sample) => sample.length === 6)).toBe(true);
  const thousandths = (value: number): number => Math.round(value * 1_000) / 1_000;
  expect(samples.map(([, , , pressure]) => pressure)).toEqual(told.map(({ pressure }) => thousandths(pressure)));
  expect(samples.map(([, , , pressure]) => pressure)).toEqual(hand.SIGNATURE.map((_, at) => thousandths(force(at))));
  expect(new Set(samples.map(([, , , , x, y]) => `${x} ${y}`))).toEqual(new Set(["30 -12"]));
});

test("a pen that measures neither pressure nor tilt tells none", async ({ page, scene }) => {
  byHand(scene);
  await toSign(page);
  await hand.pen(page, hand.SIGNATURE, { force: () => 0.5, tilt: [0, 0] });
  await signs(page);
  const { record } = taken(scene);
  expect(record.device).toBe("pen");
  expect(record.strokes.flat().every((sample) => sample.length === 3)).toBe(true);
});

test("a finger draws, and the page does not scroll under it", async ({ page, scene }) => {
  byHand(scene);
  await toSign(page);
  const before = await page.evaluate(() => scrollY);
  await hand.finger(page, hand.SIGNATURE);
  expect(await page.evaluate(() => scrollY)).toBe(before);
  await signs(page);
  const { record } = taken(scene);
  expect(record.device).toBe("touch");
  expect(record.strokes).toHaveLength(1);
  expect(record.strokes.flat().length).toBeGreaterThanOrEqual(20);
  expect(record.strokes.flat().every((sample) => sample.length === 3)).toBe(true);
});

test("all that was measured between two pictures is kept, and so is a stroke that the system takes away", async ({ page, scene }) => {
  byHand(scene);
  await toSign(page);
  await hand.mouse(page, hand.SIGNATURE);
  await hand.burst(page, 7);
  await expect(hand.pad(page)).toHaveAccessibleName("Your signature: 2 strokes.");
  await signs(page);
  const { strokes } = taken(scene).record;
  expect(strokes.map(({ length }) => length)).toEqual([hand.SIGNATURE.length, 8]);
  const [xs, times] = [0, 2].map((channel) => strokes[1]!.map((sample) => sample[channel]!));
  expect(new Set(xs).size).toBe(7);
  // Never before what was drawn before, whatever clock the events have.
  expect(Math.min(...times!)).toBeGreaterThanOrEqual(strokes[0]!.at(-1)![2]!);
});

test("beside the box there is room for a thumb that scrolls", async ({ page, scene }) => {
  byHand(scene);
  await toSign(page);
  for (const [width, height] of [[320, 568], [390, 844], [844, 390], [1280, 800]] as const) {
    await page.setViewportSize({ width, height });
    const box = (await hand.pad(page).locator("canvas").boundingBox())!;
    expect(Math.min(box.x, width - box.x - box.width), `${width}`).toBeGreaterThanOrEqual(20);
    expect(box.width / box.height).toBeCloseTo(3, 1);
  }
  await expect(hand.pad(page).locator("canvas")).toHaveCSS("touch-action", "none");
  await expect(page.locator(".card")).toHaveCSS("touch-action", "auto");
});

test("while a pen is used, and shortly after, touches are the hand that holds it", async ({ page, scene }) => {
  byHand(scene);
  await toSign(page);
  const held: hand.Held = { force: (at) => 0.3 + 0.01 * (at % 40), tilt: [20, 0] };
  // The hand lies down before the pen does.
  await hand.finger(page, hand.LINE.slice(0, 6), false);
  await hand.pen(page, hand.SIGNATURE, held);
  await hand.raise(page);
  await hand.finger(page, hand.LINE);
  await expect(hand.pad(page)).toHaveAccessibleName("Your signature: 1 stroke.");
  hand.pause(page, 2.1);
  await hand.finger(page, hand.LINE.slice(0, 6));
  await expect(hand.pad(page)).toHaveAccessibleName("Your signature: 2 strokes.");
  await button(page, "Undo").click();
  await signs(page);
  const { record } = taken(scene);
  expect([record.device, record.strokes.map(({ length }) => length)]).toEqual(["pen", [hand.SIGNATURE.length]]);
});

test("turning the phone loses and displaces nothing, and drawing goes on", async ({ page, scene }) => {
  byHand(scene);
  await hand.overhear(page);
  await toSign(page);
  await hand.mouse(page, hand.SIGNATURE);
  const before = rows(await hand.overheard(page), await frame(page));
  const [place, beside] = [hand.SIGNATURE[20]!, [0.02, 0.1] as const];
  await expect.poll(() => inkAt(page, place), INK).toBeGreaterThan(0.05);
  const cdp = await page.context().newCDPSession(page);
  for (const [width, height, deviceScaleFactor] of [[844, 390, 3], [390, 844, 3], [320, 568, 1], [844, 390, 2]] as const) {
    await cdp.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor, mobile: false });
    // As many pixels as the screen has, and the ink where it was.
    const { width: shown } = await frame(page);
    const canvas = hand.pad(page).locator("canvas");
    await expect.poll(() => canvas.evaluate((one: HTMLCanvasElement) => one.width), INK).toBe(Math.round(shown * deviceScaleFactor));
    await expect.poll(() => inkAt(page, place), INK).toBeGreaterThan(0.05);
    expect(await inkAt(page, beside)).toBe(0);
  }
  await expect(hand.pad(page)).toHaveAccessibleName("Your signature: 1 stroke.");
  await hand.mouse(page, hand.LINE);
  await signs(page);
  const { record } = taken(scene);
  expect(record.strokes[0]).toEqual(before[0]);
  // The second one is where it was drawn in a box of another size.
  const [x, y] = record.strokes[1]![0]!;
  expect(Math.abs(x! - hand.LINE[0]![0] * 600)).toBeLessThan(2);
  expect(Math.abs(y! - hand.LINE[0]![1] * 200)).toBeLessThan(2);
});

test("what was drawn outlasts a look at the documents, another language, and the dark", async ({ page, scene }) => {
  byHand(scene);
  await toSign(page);
  await hand.mouse(page, hand.SIGNATURE);
  await button(page, "Back").click();
  await expect(heading(page, "Read the document")).toBeVisible();
  await button(page, "I have read the document").click();
  await page.emulateMedia({ colorScheme: "dark" });
  await page.locator("select").selectOption("ca");
  await expect(page.getByText("1 traç.")).toBeVisible();
  await expect(page.locator("#pad")).toHaveCSS("background-color", "rgb(255, 255, 255)");
  await page.locator("select").selectOption("en");
  await expect(hand.pad(page)).toHaveAccessibleName("Your signature: 1 stroke.");
  await expect.poll(() => inkAt(page, hand.SIGNATURE[20]!), INK).toBeGreaterThan(0.05);
  await signs(page);
  expect(taken(scene).record.strokes.flat()).toHaveLength(hand.SIGNATURE.length);
});

test("strokes are taken back one by one, or all at once", async ({ page, scene }) => {
  byHand(scene);
  await toSign(page);
  const [undo, clear] = [button(page, "Undo"), button(page, "Clear")];
  await expect(undo).toHaveAttribute("aria-disabled", "true");
  await expect(undo).toHaveAccessibleDescription("The box is empty.");
  for (let strokes = 0; strokes < 3; strokes++) await hand.mouse(page, hand.LINE.slice(strokes * 10, strokes * 10 + 8));
  await expect(hand.pad(page)).toHaveAccessibleName("Your signature: 3 strokes.");
  await undo.click();
  await expect(hand.pad(page)).toHaveAccessibleName("Your signature: 2 strokes.");
  await expect(page.getByRole("status")).toHaveText("2 strokes.");
  expect(await inkAt(page, hand.LINE[4]!)).toBeGreaterThan(0.05);
  expect(await inkAt(page, hand.LINE[24]!)).toBe(0);
  await clear.click();
  await expect(hand.pad(page)).toHaveAccessibleName("Your signature: The box is empty.");
  expect(await inkAt(page, hand.LINE[4]!)).toBe(0);
  await expect(clear).toHaveAttribute("aria-disabled", "true");
  // The time begins with what is drawn next.
  await hand.mouse(page, hand.SIGNATURE);
  await signs(page);
  expect(taken(scene).record.strokes.map(([first]) => first![2])).toEqual([0]);
});

test("nothing is sent that cannot be a signature, and what is wrong is said at the box", async ({ page, scene }) => {
  byHand(scene);
  await toSign(page);
  await page.getByRole("checkbox").check();
  const refused = async (words: RegExp): Promise<void> => {
    await button(page, "Sign").click();
    await expect(page.getByRole("alert")).toBeFocused();
    await expect(page.getByRole("alert")).toContainText(words);
    await expect(hand.pad(page)).toHaveAccessibleDescription(words);
    await expect(page).toHaveTitle(/^Error: /);
  };
  await refused(/Sign in the box first\./);
  await page.getByRole("alert").getByRole("link").click();
  await expect(hand.pad(page)).toBeFocused();
  await hand.mouse(page, hand.LINE);
  await refused(/only straight lines/);
  // It stands there while something is drawn, so that the box does not move under the pen, and goes with what it was about.
  await hand.mouse(page, hand.LINE.slice(0, 4));
  await expect(page.getByRole("alert")).toBeVisible();
  await button(page, "Clear").click();
  await expect(page.getByRole("alert")).toBeHidden();
  expect(scene.sent("POST sign")).toEqual([]);
  await hand.mouse(page, hand.SIGNATURE);
  await signs(page);
  expect(scene.sent("POST sign")).toHaveLength(1);
});

test("people sign with a cross", async ({ page, scene }) => {
  byHand(scene);
  await toSign(page);
  const down = hand.LINE.map(([part]): hand.Place => [0.3 + 0.2 * part, 0.15 + 0.7 * part]);
  await hand.mouse(page, down);
  await hand.mouse(page, down.map(([x, y]): hand.Place => [x, 1 - y]));
  await signs(page);
  expect(taken(scene).record.strokes).toHaveLength(2);
});

test("a recording ends after a minute, and keeps what it has", async ({ page, scene }) => {
  byHand(scene);
  await toSign(page);
  await hand.mouse(page, hand.SIGNATURE);
  hand.pause(page, 61);
  await hand.mouse(page, hand.LINE);
  await expect(page.getByRole("alert")).toContainText("The 60 seconds for a signature are over.");
  await expect(hand.pad(page)).toHaveAccessibleName("Your signature: 1 stroke.");
  await signs(page);
  const times = taken(scene).record.strokes.flat().map(([, , t]) => t!);
  expect(Math.max(...times)).toBeLessThan(60_000);
});

test("what cannot be sent in whole is not sent in part", async ({ page, scene }) => {
  byHand(scene);
  await toSign(page);
  await hand.scribble(page);
  await page.getByRole("checkbox").check();
  await button(page, "Sign").click();
  await expect(page.getByRole("alert")).toContainText("There is too much in the box to be sent.");
  expect(scene.sent("POST sign")).toEqual([]);
});

test("what the server refuses is said in the words of the gate", async ({ page, scene }) => {
  byHand(scene);
  await toSign(page);
  await hand.mouse(page, hand.SIGNATURE);
  await page.getByRole("checkbox").check();
  for (const [details, words] of [
    ["points: it has 12 points, and a signature has at least 20: sign with your whole name", /too small or too little/],
    ["distinct_positions: it is a dot or a few taps: sign as you do on paper", /too small or too little/],
    ["duration: it took 120 ms, which is too short: sign as you do on paper", /too quick/],
    ["duration: it took longer than 20 s: clear the pad and sign in one go", /took too long/],
    ["width_of_pad: it is too small: use more of the pad", /too small or too little/],
    ["spread: it is a straight line: sign as you do on paper", /only straight lines/],
    ["turning: it is too simple: sign as you do on paper", /only straight lines/],
    ["the format is not known", /was not accepted/],
    ["expected at most 307200 bytes as it is sent", /too much in the box/],
  ] as const) {
    scene.plays.set("POST sign", () => error(400, "MDOC_001", {}, `biometric_data: ${details}`));
    await button(page, "Sign").click();
    await expect(page.getByRole("alert"), details).toContainText(words);
  }
  // What a person drew is no fault of the page.
  expect(scene.sent("POST problem")).toEqual([]);
  scene.plays.clear();
  await button(page, "Sign").click();
  await expect(heading(page, "You have signed")).toBeVisible();
});

test("a signature that did not arrive stays in the box and is sent again as it was", async ({ page, scene }) => {
  byHand(scene);
  await toSign(page);
  await hand.mouse(page, hand.SIGNATURE);
  let waiting = (): void => {};
  const asked = new Promise<void>((go) => (waiting = go));
  scene.plays.set("POST sign", () => (waiting(), "lost"));
  await page.getByRole("checkbox").check();
  await button(page, "Sign").click();
  await asked;
  await expect(page.getByRole("alert")).toContainText("There is no connection.");
  await expect(hand.pad(page)).toHaveAccessibleName("Your signature: 1 stroke.");
  scene.plays.clear();
  await button(page, "Sign").click();
  await expect(heading(page, "You have signed")).toBeVisible();
  const [first, second, ...others] = scene.sent("POST sign").map(({ body }) => body);
  expect(others).toEqual([]);
  expect(second).toEqual(first);
});

test("nothing is drawn while the signature is on its way", async ({ page, scene }) => {
  byHand(scene);
  await toSign(page);
  await hand.mouse(page, hand.SIGNATURE);
  scene.plays.set("POST sign", () => "held");
  await page.getByRole("checkbox").check();
  await button(page, "Sign").click();
  await expect(button(page, "Sign")).toHaveAttribute("aria-disabled", "true");
  await hand.mouse(page, hand.LINE.slice(0, 6));
  await button(page, "Clear").click({ force: true });
  await expect(hand.pad(page)).toHaveAccessibleName("Your signature: 1 stroke.");
  expect(scene.sent("POST sign")).toHaveLength(1);
});

test("a signature whose answer was lost is looked up and not made again", async ({ page, scene }) => {
  byHand(scene);
  await toSign(page);
  await hand.mouse(page, hand.SIGNATURE);
  scene.plays.set("POST sign", () => {
    scene.sign();
    return "lost";
  });
  await signs(page);
  expect(scene.sent("POST sign")).toHaveLength(1);
});

test("nothing of what was drawn is kept by the browser or told to the page around", async ({ page, scene }) => {
  byHand(scene);
  await page.addInitScript(() => {
    const heard: string[] = [];
    Object.assign(globalThis, { heard });
    for (const name of ["ready", "step", "identified", "signed", "problem"]) {
      document.addEventListener(`rubrica-${name}`, (event) => heard.push(JSON.stringify((event as CustomEvent).detail)));
    }
  });
  await toSign(page);
  await hand.mouse(page, hand.SIGNATURE);
  const kept = (): Promise<string[]> => page.evaluate(() => [...Object.values(localStorage), ...Object.values(sessionStorage)]);
  const before = await kept();
  scene.plays.set("POST sign", () => error(400, "MDOC_001", {}, "biometric_data: spread: it is a straight line"));
  await page.getByRole("checkbox").check();
  await button(page, "Sign").click();
  await expect(page.getByRole("alert")).toBeVisible();
  expect(await kept()).toEqual(before);
  scene.plays.clear();
  await button(page, "Sign").click();
  await expect(heading(page, "You have signed")).toBeVisible();
  const heard = await page.evaluate(() => (globalThis as unknown as { heard: string[] }).heard.join());
  expect(heard).toContain('"step":"sign"');
  expect(heard).not.toMatch(/strokes|spread|biometric_data/);
  await page.goBack();
  await expect(heading(page, "You have signed")).toBeVisible();
  await expect(page.locator("canvas")).toHaveCount(0);
});

test("the code for another device is the link of this page, and only the page has seen it", async ({ page, scene }) => {
  byHand(scene);
  await toSign(page);
  expect(scene.addresses.filter((address) => /\/qr-/.test(address))).toEqual([]);
  await page.getByText("I cannot draw").click();
  const code = page.getByRole("img", { name: "QR code with the link to this signature" });
  await expect(code).toBeVisible();
  // All of it at once, with nothing before it.
  await page.setViewportSize({ width: 390, height: 1_600 });
  const shot = (await code.screenshot()).toString("base64");
  const { data, width, height } = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const picture = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const context = new OffscreenCanvas(picture.width, picture.height).getContext("2d")!;
    context.drawImage(picture, 0, 0);
    const { data } = context.getImageData(0, 0, picture.width, picture.height);
    return { data: [...data], width: picture.width, height: picture.height };
  }, shot);
  const link = new URL(LINK, page.url()).href;
  expect(jsqr(Uint8ClampedArray.from(data), width, height)?.data).toBe(link);
  expect(link).toContain(SECRET);
  expect(scene.addresses.filter((address) => /\/qr-/.test(address))).toHaveLength(1);
});

test("links of any length come to be codes that can be read, and longer ones none", () => {
  for (let length = 1; length <= 660; length = Math.ceil(length * 1.09)) {
    const text = "https://firma.example/s/ñ".padEnd(length, "Aa0#k=_-").slice(0, length);
    const bytes = Buffer.byteLength(text);
    if (bytes > 660) break;
    const { size, path } = qrCode(text)!;
    const [scale, side] = [3, (size + 8) * 3];
    const pixels = new Uint8ClampedArray(side * side * 4).fill(255);
    for (const [, x, y, run] of path.matchAll(/M(\d+) (\d+)h(\d+)/g)) {
      for (let row = 0; row < scale; row++) {
        const from = ((Number(y) + 4) * scale + row) * side + (Number(x) + 4) * scale;
        for (let at = from; at < from + Number(run) * scale; at++) pixels.fill(0, at * 4, at * 4 + 3);
      }
    }
    expect(jsqr(pixels, side, side)?.data, `${bytes} bytes`).toBe(text);
  }
  expect(qrCode("x".repeat(667))).toBeNull();
});

test("a page without the link's secret shows no code, and says how to go on", async ({ page, scene }) => {
  byHand(scene);
  const shop = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A shop</title><link rel="icon" href="data:,">
    <script type="module" src="/pages/sign.js"></script></head>
    <body><rubrica-sign org="${ORG}" sign-id="${SIGN}" token="${LINK_TOKEN}"></rubrica-sign></body></html>`;
  await page.route("**/a-shop", (route) => route.fulfill({ contentType: "text/html", body: shop }));
  await page.goto("/a-shop");
  await button(page, "Continue").click();
  await button(page, "Send the code").click();
  await page.getByLabel("Code").fill("123456");
  await button(page, "Check the code").click();
  await button(page, "I have read the document").click();
  await page.getByText("I cannot draw").click();
  await expect(page.getByText(/open the link from the message there/)).toBeVisible();
  await expect(page.getByText(/ask Acme Rentals for another way to sign/)).toBeVisible();
  await expect(page.getByRole("img", { name: /^QR code/ })).toHaveCount(0);
  await hand.mouse(page, hand.SIGNATURE);
  await signs(page);
  expect(taken(scene).record.device).toBe("mouse");
});

test("only those who sign by hand load the pad, while they read", async ({ page, scene }) => {
  const loaded = (): string[] => scene.addresses.flatMap((address) => /\/pages\/((?:hand|qr)[^/]*)\.js/.exec(address)?.[1] ?? []);
  await toSign(page);
  expect(loaded()).toEqual([]);
  byHand(scene);
  scene.invitation.previewed_at = null;
  await page.reload();
  await expect(heading(page, "Read the document")).toBeVisible();
  await expect.poll(() => loaded().length).toBe(2);
  expect(loaded().map((name) => name.replace(/-[0-9a-f]{12}$/, "")).sort()).toEqual(["hand", "hand-en"]);
});

test("a pad that did not arrive is asked for again, and another language does not need it", async ({ page, scene, context }) => {
  byHand(scene);
  let lost = true;
  await context.route(/\/pages\/hand-/, (route) => (lost ? route.abort("connectionreset") : route.continue()));
  await toSign(page);
  await expect(page.getByText("There is no connection. Check it and try again.")).toBeVisible();
  await page.locator("select").selectOption("gl");
  await expect(page.getByText("Non hai conexión.")).toBeVisible();
  lost = false;
  await button(page, "Tentalo outra vez").click();
  await expect(page.getByText("O recadro está baleiro.")).toBeVisible();
});

test("who only reads the documents needs no pad that did not arrive", async ({ page, scene, context }) => {
  byHand(scene);
  await context.route(/\/pages\/hand-/, (route) => route.abort("connectionreset"));
  await toDocuments(page);
  await expect(page.getByText("3 pages")).toBeVisible();
  await expect(page.getByRole("alert")).toBeHidden();
});
