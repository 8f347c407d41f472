// Cameras and pictures of identity documents, as a signer's browser has them.

import type { BrowserContext, FileChooser, Page } from "@playwright/test";

import { button, expect, heading } from "./scene.js";
import * as drawing from "./drawing.js";

/** What a camera of a test sees. */
export type Sight = "letters" | "white" | "dark" | "fog";

/** A camera that sees the same all the time, in every page that is opened from now on. */
export function camera(context: BrowserContext, sight: Sight): void {
  void context.addInitScript((sees) => {
    const stream = (): MediaStream => {
      const canvas = Object.assign(document.createElement("canvas"), { width: 1280, height: 800 });
      const ink = canvas.getContext("2d")!;
      const paint = (): void => {
        ink.fillStyle = { letters: "#ccc", white: "#fff", dark: "#111", fog: "#999" }[sees];
        ink.fillRect(0, 0, 1280, 800);
        ink.fillStyle = "#222";
        // Strokes as thin as those of letters.
        if (sees === "letters") for (let x = 0; x < 1280; x += 8) ink.fillRect(x, 0, 4, 800);
      };
      paint();
      setInterval(paint, 100);
      return canvas.captureStream(10);
    };
    // An empty page, as axe opens one, has no cameras at all.
    if (!navigator.mediaDevices) return;
    navigator.mediaDevices.getUserMedia = () => {
      const made = stream();
      (window as unknown as { camera: MediaStream }).camera = made;
      return Promise.resolve(made);
    };
  }, sight);
}

/** A browser that gives no camera, for this reason. */
export function noCamera(context: BrowserContext, why: "NotAllowedError" | "NotFoundError" | "NotReadableError"): void {
  void context.addInitScript((name) => {
    if (!navigator.mediaDevices) return;
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", name));
  }, why);
}

/** From the invitation to the choice of the document. */
export async function toChoice(page: Page): Promise<void> {
  await button(page, /^(Continue|Go on)/).click();
  await expect(heading(page, "Your identity document")).toBeVisible();
}

/** From the choice to the first side. */
export async function toSide(page: Page): Promise<void> {
  await toChoice(page);
  await button(page, "Continue").click();
  await expect(heading(page, /^Photograph the/)).toBeVisible();
}

/** Gives the page a file for the side that it asks for. */
export async function pick(page: Page, buffer: Buffer, name = "picture.png", mimeType = "image/png"): Promise<void> {
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), button(page, "Other camera or file").click()]);
  await (chooser as FileChooser).setFiles({ name, mimeType, buffer });
}

/** From the invitation to the look at both sides of a card. */
export async function toLook(page: Page): Promise<void> {
  await toSide(page);
  await pick(page, drawing.card("front"));
  await expect(heading(page, "Photograph the back")).toBeVisible();
  await pick(page, drawing.card("back"));
  await expect(heading(page, "Look at the pictures")).toBeVisible();
}
