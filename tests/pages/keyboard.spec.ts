// The whole way by keyboard alone, on the narrowest screen, in the colours that the system forces.

import type { Locator, Page } from "@playwright/test";

import * as hand from "./hand.js";
import { CODE, button, expect, heading, open, test, toSign } from "./scene.js";

/** Presses Tab until something has the focus, which is then within the window. */
async function tabTo(page: Page, to: Locator): Promise<void> {
  const focused = (): Promise<boolean> =>
    to.evaluate((element) => (element.getRootNode() as Document | ShadowRoot).activeElement === element);
  for (let presses = 0; presses < 40; presses++) {
    await page.keyboard.press("Tab");
    if (!(await focused())) continue;
    const box = await to.boundingBox();
    const height = page.viewportSize()?.height ?? 0;
    // What is higher than the window shows a part of itself.
    const seen = box !== null && (box.height > height ? box.y < height && box.y + box.height > 0 : box.y >= 0 && box.y + box.height <= height + 1);
    expect(seen, "what has the focus can be seen").toBe(true);
    const outline = await to.evaluate((element) => getComputedStyle(element).outlineStyle);
    expect(outline, "the focus can be seen").not.toBe("none");
    return;
  }
  throw new Error("Tab does not get there");
}

async function press(page: Page, name: string | RegExp): Promise<void> {
  await tabTo(page, button(page, name));
  await page.keyboard.press("Enter");
}

test("from the link to the signature", async ({ page, scene }) => {
  await page.setViewportSize({ width: 320, height: 568 });
  await page.emulateMedia({ forcedColors: "active", reducedMotion: "reduce" });
  scene.documents = [{ name: "Rental agreement.pdf", pages: 20 }];
  await open(page);
  await press(page, "Continue");
  await expect(heading(page, "We check that it is you")).toBeFocused();
  await press(page, "Send the code");
  await expect(heading(page, "Type the code")).toBeFocused();
  await tabTo(page, page.getByLabel("Code"));
  await page.keyboard.type(CODE);
  await page.keyboard.press("Enter");
  await expect(heading(page, "Read the document")).toBeFocused();
  await press(page, "Larger");
  await tabTo(page, page.getByRole("region", { name: "Pages of Rental agreement.pdf" }));
  await press(page, "I have read the document");
  await expect(heading(page, "Sign")).toBeFocused();
  await tabTo(page, page.getByRole("checkbox"));
  await page.keyboard.press("Space");
  await press(page, "Sign");
  await expect(heading(page, "You have signed")).toBeFocused();
  expect(scene.sent("POST sign")).toHaveLength(1);
});

test("all of a signature by hand but the drawing", async ({ page, scene }) => {
  scene.invitation.sign_type = "BIOMETRIC";
  await page.setViewportSize({ width: 320, height: 568 });
  await page.emulateMedia({ forcedColors: "active", reducedMotion: "reduce" });
  await toSign(page);
  for (const strokes of [1, 2, 3]) {
    await hand.mouse(page, hand.SIGNATURE);
    await expect(hand.pad(page)).toHaveAccessibleName(new RegExp(`: ${strokes} stroke`));
  }
  await heading(page, "Sign").focus();
  await press(page, "Undo");
  await expect(hand.pad(page)).toHaveAccessibleName("Your signature: 2 strokes.");
  await tabTo(page, page.locator("summary"));
  await page.keyboard.press("Enter");
  await expect(page.getByText(/ask Acme Rentals for another way to sign/)).toBeVisible();
  await page.keyboard.press("Enter");
  await press(page, "Sign");
  await expect(page.getByRole("alert")).toBeFocused();
  await tabTo(page, page.getByRole("link", { name: "Tick the box to sign." }));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("checkbox")).toBeFocused();
  await page.keyboard.press("Space");
  await press(page, "Sign");
  await expect(heading(page, "You have signed")).toBeFocused();
  expect(scene.sent("POST sign")).toHaveLength(1);
});

test("from the link to declining", async ({ page, scene }) => {
  await page.setViewportSize({ width: 320, height: 568 });
  await page.emulateMedia({ forcedColors: "active" });
  await open(page);
  await tabTo(page, page.locator("summary"));
  await page.keyboard.press("Enter");
  await press(page, "Decline to sign");
  await expect(heading(page, "Decline to sign")).toBeFocused();
  await press(page, "Decline for good");
  await expect(page.getByRole("alert")).toBeFocused();
  await tabTo(page, page.getByRole("link", { name: "Say why you do not sign." }));
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("Why do you not sign?")).toBeFocused();
  await page.keyboard.type("not what we agreed on");
  await press(page, "Decline for good");
  await expect(heading(page, "You have declined to sign")).toBeFocused();
  expect(scene.sent("POST decline").map(({ body }) => body)).toEqual([{ reason: "not what we agreed on" }]);
});
