// Signers who are not identified by a code: pictures of an identity document are checked, or somebody of the tenant looks at the person.

import type { Page } from "@playwright/test";
import jsqr from "jsqr";

import { judged } from "../../pages/web/camera.js";
import * as drawing from "./drawing.js";
import { camera, noCamera, pick, toChoice, toLook, toSide } from "./identity.js";
import { ACCESS_TOKEN, button, error, expect, heading, later, open, test, type Scene } from "./scene.js";

const READ = "Read the document";
const CODE = "4R7KM2";

/** Keeps what the page sends in forms: the bytes of each part, one letter each. */
function overhear(scene: Scene): void {
  void scene.context.addInitScript(() => {
    const sent: Record<string, string>[] = [];
    Object.assign(window, { sent });
    const plain = window.fetch;
    window.fetch = async (input, init) => {
      if (init?.body instanceof FormData) {
        const parts: Record<string, string> = {};
        for (const [name, value] of init.body) {
          parts[name] = new TextDecoder("latin1").decode(await (value as File).arrayBuffer());
        }
        sent.push(parts);
      }
      return plain(input, init);
    };
  });
}

const heard = (page: Page): Promise<Record<string, string>[]> =>
  page.evaluate(() => (window as unknown as { sent: Record<string, string>[] }).sent);

async function begin(page: Page, scene: Scene, next: (page: Page) => Promise<void>, type = "NIF"): Promise<void> {
  scene.byDocument(type);
  await open(page);
  await next(page);
}

const sends = (page: Page): Promise<void> => button(page, "Send the pictures").click();

test("pictures of both sides are sent once, and the signer reads and signs", async ({ page, scene }) => {
  overhear(scene);
  await begin(page, scene, toLook);
  await sends(page);
  await expect(heading(page, READ)).toBeFocused();
  const [call, ...more] = scene.sent("PUT score");
  expect(more).toEqual([]);
  expect(call?.headers["x-installation_id"]).toMatch(/^[\w-]{22}$/);
  expect(call?.headers["content-type"]).toMatch(/^multipart\/form-data/);
  const [parts] = await heard(page);
  expect(Object.keys(parts ?? {})).toEqual(["front", "back"]);
  expect(Object.values(parts ?? {}).every((file) => file.startsWith("\xff\xd8\xff"))).toBe(true);
  expect(parts?.["front"]).not.toBe(parts?.["back"]);
  await button(page, "I have read the document").click();
  await page.getByRole("checkbox").check();
  await button(page, "Sign").click();
  await expect(heading(page, "You have signed")).toBeVisible();
  // Nothing of the pictures is kept.
  await expect(page.locator("canvas")).toHaveCount(0);
  const kept = await page.evaluate(() => [...Object.values({ ...localStorage }), ...Object.values({ ...sessionStorage })].join());
  expect(kept.length).toBeLessThan(600);
});

test("a passport has one page to be photographed", async ({ page, scene }) => {
  overhear(scene);
  await begin(page, scene, toSide, "PASSPORT");
  await pick(page, drawing.card("front"));
  await expect(heading(page, "Look at the pictures")).toBeVisible();
  await sends(page);
  await expect(heading(page, READ)).toBeVisible();
  expect((await heard(page)).map((parts) => Object.keys(parts))).toEqual([["front"]]);
});

test("what a camera wrote into a file besides the picture is not sent", async ({ page, scene }) => {
  overhear(scene);
  await begin(page, scene, toSide);
  const base64 = await page.evaluate(() => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 900, height: 600 });
    canvas.getContext("2d")!.fillRect(10, 10, 500, 300);
    return canvas.toDataURL("image/jpeg").split(",")[1] ?? "";
  });
  const plain = Buffer.from(base64, "base64");
  const told = Buffer.from("Exif\0\0MM\0*\0\0\0\x08\0\0 taken at home by Ana", "latin1");
  const length = Buffer.alloc(2);
  length.writeUInt16BE(told.length + 2);
  const file = Buffer.concat([plain.subarray(0, 2), Buffer.from([0xff, 0xe1]), length, told, plain.subarray(2)]);
  await pick(page, file, "IMG_20261127_home.jpg", "image/jpeg");
  await expect(heading(page, "Photograph the back")).toBeVisible();
  await pick(page, file, "IMG_20261127_home.jpg", "image/jpeg");
  await sends(page);
  await expect(heading(page, READ)).toBeVisible();
  const [parts] = await heard(page);
  expect(parts?.["front"]?.startsWith("\xff\xd8\xff")).toBe(true);
  expect(JSON.stringify(parts)).not.toMatch(/Exif|taken at home/);
});

test("checks that failed are told in words, one picture is taken anew, and the next try passes", async ({ page, scene }) => {
  scene.finds = { passed: false, fail_reason: null, failed_checks: ["FOCUS", "COUNTRY_CODES", "NATIONAL_NUMBER", "NEW_CHECK"] };
  await begin(page, scene, toLook);
  await sends(page);
  await expect(page.getByRole("alert")).toBeFocused();
  await expect(page.getByRole("alert")).toContainText("The document did not pass.");
  await expect(page.locator(".wrongs li")).toHaveText([
    "A picture is not sharp.",
    "The numbers of the document do not agree with each other.",
    "The pictures are not enough to check the document.",
  ]);
  await expect(page.getByText("You can send pictures 4 more times.")).toBeVisible();
  expect(scene.sent("POST document"), "a validation that cannot pass takes an attempt").toEqual([]);
  await button(page, "Front again").click();
  await expect(heading(page, "Photograph the front")).toBeFocused();
  await pick(page, drawing.card("front"));
  await expect(heading(page, "Look at the pictures")).toBeFocused();
  scene.finds = { passed: true, fail_reason: null, failed_checks: [] };
  await sends(page);
  await expect(heading(page, READ)).toBeVisible();
});

test("pictures whose answer is lost are not sent twice: the page waits for what becomes of them", async ({ page, scene }) => {
  await begin(page, scene, toLook);
  scene.plays.set("PUT score", () => {
    scene.change(() => (scene.check.under_way_until = later(1)));
    return "lost";
  });
  await sends(page);
  await expect(heading(page, "Your document is being checked")).toBeFocused();
  await expect(page.getByRole("alert")).toBeHidden();
  scene.score();
  await expect(heading(page, "Your document is in order")).toBeFocused();
  await button(page, "Continue").click();
  await expect(heading(page, READ)).toBeVisible();
  expect(scene.sent("PUT score")).toHaveLength(1);
});

test("a validation whose answer is lost has opened the signature", async ({ page, scene }) => {
  await begin(page, scene, toLook);
  scene.plays.set("POST document", (call) => {
    scene.resume = call.headers["x-resume-hash"] ?? null;
    scene.identify();
    return "lost";
  });
  await sends(page);
  await expect(heading(page, READ)).toBeVisible();
  expect(scene.sent("POST document")).toHaveLength(1);
  expect(scene.sent("POST access")).toHaveLength(1);
});

test("a reload after the check goes on without another picture", async ({ page, scene }) => {
  await begin(page, scene, toLook);
  await sends(page);
  await expect(heading(page, READ)).toBeVisible();
  await page.reload();
  await expect(heading(page, READ)).toBeVisible();
  expect(scene.sent("POST access")).toHaveLength(1);
  expect(scene.sent("GET sign").at(-1)?.headers["authorization"]).toBe(`Bearer ${ACCESS_TOKEN}`);
});

test("while the check is busy the pictures stay, and can be sent again", async ({ page, scene }) => {
  await begin(page, scene, toLook);
  scene.plays.set("PUT score", () => error(429, "MDOC_005", { "retry-after": "7" }));
  await sends(page);
  await expect(page.getByRole("alert")).toContainText("send them again in 7 seconds");
  expect(scene.sent("PUT score")).toHaveLength(1);
  scene.plays.clear();
  await sends(page);
  await expect(heading(page, READ)).toBeVisible();
});

test("another document begins anew: a side of one is none of the other", async ({ page, scene }) => {
  overhear(scene);
  await begin(page, scene, toSide);
  await pick(page, drawing.card("front"));
  await expect(heading(page, "Photograph the back")).toBeVisible();
  await button(page, "Back").click();
  await expect(heading(page, "Your identity document")).toBeFocused();
  await page.getByLabel("Passport").check();
  await button(page, "Continue").click();
  await expect(heading(page, "Photograph the page with your photo")).toBeVisible();
});

test("the camera takes what its frame shows, and is off as soon as it is not needed", async ({ page, scene }) => {
  overhear(scene);
  camera(scene.context, "letters");
  const track = (): Promise<string> =>
    page.evaluate(() => (window as unknown as { camera: MediaStream }).camera.getVideoTracks()[0]?.readyState ?? "none");
  await begin(page, scene, toSide);
  await button(page, "Open the camera").click();
  await expect(page.getByRole("img", { name: "What the camera sees" })).toBeVisible();
  await expect(page.getByText("Fill the frame with the document, and hold still.")).toBeVisible();
  expect(await track()).toBe("live");
  await expect.poll(() => page.locator("video").evaluate((video) => (video as HTMLVideoElement).videoWidth)).toBe(1_280);
  await button(page, "Take the picture").click();
  await expect(heading(page, "Photograph the back")).toBeFocused();
  expect(await track()).toBe("ended");
  await pick(page, drawing.card("back"));
  const size = await page.locator("canvas").first().evaluate((canvas) => [(canvas as HTMLCanvasElement).width, (canvas as HTMLCanvasElement).height]);
  expect(size).toEqual([1_269, 800]);
  await sends(page);
  await expect(heading(page, READ)).toBeVisible();
});

test("a camera goes off when the signer goes elsewhere", async ({ page, scene }) => {
  camera(scene.context, "letters");
  const track = (): Promise<string> =>
    page.evaluate(() => (window as unknown as { camera: MediaStream }).camera.getVideoTracks()[0]?.readyState ?? "none");
  await begin(page, scene, toSide);
  await button(page, "Open the camera").click();
  await expect(page.locator("video")).toBeVisible();
  await page.goBack();
  await expect(heading(page, /asks you to sign$/)).toBeVisible();
  await expect.poll(track).toBe("ended");
});

test("the camera of the device itself can be used", async ({ page, scene }) => {
  await begin(page, scene, toSide);
  await button(page, "Open the camera").click();
  await expect.poll(() => page.locator("video").evaluate((video) => (video as HTMLVideoElement).videoWidth)).toBeGreaterThan(0);
  await expect(button(page, "Take the picture")).toBeVisible();
});

test("who has no camera, or does not allow it, is led to a file", async ({ page, scene }) => {
  noCamera(scene.context, "NotAllowedError");
  await begin(page, scene, toSide);
  await button(page, "Open the camera").click();
  await expect(page.getByRole("alert")).toContainText("Allow it for this page in your browser, or use a file.");
  await page.getByRole("alert").getByRole("link").click();
  await expect(page.locator("#picture")).toBeFocused();
  await pick(page, drawing.card("front"));
  await expect(heading(page, "Photograph the back")).toBeVisible();
  await expect(page.getByRole("alert")).toBeHidden();
});

test("what a camera sees is judged by its light and its edges", () => {
  const [width, height] = [320, 200];
  const seen = (grey: (x: number, y: number) => number): Uint8Array => Uint8Array.from({ length: width * height }, (_, at) => grey(at % width, Math.floor(at / width)));
  expect(judged(seen((x) => (x % 8 < 4 ? 200 : 60)), width)).toBeNull();
  expect(judged(seen((x) => 130 + 60 * Math.sin(x / 20)), width)).toBe("focus");
  expect(judged(seen((x, y) => (y < 20 ? 255 : x % 8 < 4 ? 200 : 60)), width)).toBe("glare");
  expect(judged(seen((x) => (x % 8 < 4 ? 60 : 0)), width)).toBe("dark");
});

test("the choice and the pictures need a keyboard alone", async ({ page, scene }) => {
  await begin(page, scene, toChoice);
  await page.getByLabel("Identity card or residence card").focus();
  await page.keyboard.press("ArrowDown");
  await expect(page.getByLabel("Passport")).toBeChecked();
  await page.keyboard.press("Enter");
  await expect(heading(page, "Photograph the page with your photo")).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(button(page, "Open the camera")).toBeFocused();
});

// S5

test("who waits for an agent shows a code in letters and as a picture that leads to the desk", async ({ page, scene }) => {
  scene.byAgent();
  await open(page);
  await button(page, "Continue").click();
  await expect(heading(page, "Show this code to Acme Rentals")).toBeFocused();
  await expect(page.locator(".desk-code")).toContainText("4R7 KM2");
  // One letter after the other for those who hear it.
  await expect(page.locator(".desk-code .quiet")).toHaveText("4 R 7 K M 2");
  const picture = page.getByRole("img", { name: "QR code for the desk" });
  await expect(picture).toBeVisible();
  await page.setViewportSize({ width: 390, height: 1_600 });
  const shot = (await picture.screenshot()).toString("base64");
  const { data, width, height } = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d")!;
    context.drawImage(image, 0, 0);
    return { data: [...context.getImageData(0, 0, image.width, image.height).data], width: image.width, height: image.height };
  }, shot);
  expect(jsqr(Uint8ClampedArray.from(data), width, height)?.data).toBe(new URL(`/desk?code=${CODE}`, page.url()).href);
});

test("the page goes on by itself once the agent has decided", async ({ page, scene }) => {
  scene.byAgent();
  await open(page);
  await button(page, "Continue").click();
  await expect(page.getByText("This page goes on by itself once you are identified.")).toBeVisible();
  scene.change(({ identification }) => Object.assign(identification, { status: "VALIDATED", desk_code: null }));
  await expect(heading(page, "You are identified")).toBeFocused();
  await expect(page.getByText(/You sign with Acme Rentals: on their tablet/)).toBeVisible();
  // It is signed there; this page follows to the end.
  scene.sign();
  await expect(heading(page, "You have signed")).toBeFocused();
  expect(scene.sent("PUT challenge")).toEqual([]);
  expect(scene.sent("POST access")).toEqual([]);
});

test("the page tells that the agent has rejected", async ({ page, scene }) => {
  scene.byAgent();
  await open(page);
  await button(page, "Continue").click();
  await expect(heading(page, "Show this code to Acme Rentals")).toBeVisible();
  scene.change(({ identification }) => Object.assign(identification, { status: "CANCELLED", desk_code: null }));
  scene.end("FAILED", true);
  await expect(heading(page, "The signature could not be made")).toBeFocused();
  await expect(page.getByText(/mistyped/)).toHaveCount(0);
});
