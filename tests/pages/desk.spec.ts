// The agents' desk on the real server: an agent identifies a customer and hands a device over, who signs by hand. Every screen keeps the rules
// for who sees, hears or types it, in light and dark, wide and narrow.

import { mkdir } from "node:fs/promises";

import AxeBuilder from "@axe-core/playwright";
import { expect, test as base, type Page } from "@playwright/test";

import * as hand from "./hand.js";
import { button, heading, watch } from "./scene.js";
import * as server from "./server.js";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const SHOTS = process.env["RUBRICA_TEST_SHOTS"];
const DESK = "/desk/orgs/acme";

/** No page breaks a rule, and what opens a signature is in no address but behind its `#`. */
const test = base.extend<{ addresses: string[] }>({
  addresses: [
    async ({ context }, use) => {
      const [faults, addresses]: [string[], string[]] = [[], []];
      await watch(context, faults, addresses);
      await use(addresses);
      expect(faults, "what no page may do").toEqual([]);
    },
    { auto: true },
  ],
  viewport: { width: 1280, height: 800 },
});

test.beforeAll(() => server.useOwnPages());

async function keepsTheRules(page: Page, name: string): Promise<void> {
  const before = page.viewportSize()!;
  for (const scheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
    expect(violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`)), `${name}, ${scheme}`).toEqual([]);
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 844 });
      if (!SHOTS) continue;
      await mkdir(SHOTS, { recursive: true });
      await page.screenshot({ path: `${SHOTS}/desk_${name}.${width}.${scheme}.png`, fullPage: true });
    }
  }
  await page.setViewportSize({ width: 320, height: 568 });
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(sideways, `${name}: wider than the window`).toBe(0);
  expect(await page.locator("body").innerText(), name).not.toMatch(/\{\w+\}|\bdesk\.[a-z_]+/);
  await page.setViewportSize(before);
}

async function signIn(page: Page, next = DESK): Promise<void> {
  await page.goto(next);
  await expect(heading(page, "Sign in")).toBeVisible();
  for (const box of await page.getByRole("checkbox").all()) await box.setChecked((await box.getAttribute("value")) === "agent");
  await button(page, "Sign in").click();
}

/** A picture of a card, with so much on it that it is sharp. */
async function card(page: Page): Promise<Buffer> {
  const url = await page.evaluate(() => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [1_600, 1_009];
    const context = canvas.getContext("2d")!;
    context.fillStyle = "#dde6ee";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = "#123";
    context.font = "48px monospace";
    for (let row = 1; row < 20; row++) context.fillText(`SPECIMEN ${"NOBODY ".repeat(5)}${row}`, 40, row * 50);
    return canvas.toDataURL("image/png");
  });
  return Buffer.from(url.split(",")[1]!, "base64");
}

/** Somebody whom an agent has before them. */
async function begun(page: Page, type: "SIMPLE" | "BIOMETRIC"): Promise<string> {
  const process = await server.start([server.address("buyer")], type, "AGENT");
  const { signatures } = await server.read(process);
  await page.goto(`${DESK}/identifications/${signatures[0]!.identification.id}`);
  await expect(heading(page, "Ana López")).toBeVisible();
  return process;
}

test.afterEach(server.release);

test("an agent identifies a customer by photo and hands this device over for a signature by hand", async ({ page, addresses }) => {
  test.setTimeout(180_000);
  await server.holder();
  await signIn(page);
  await expect(heading(page, "Who is waiting")).toBeVisible();
  const process = await begun(page, "BIOMETRIC");
  const code = (await page.locator("dd code").last().textContent()) ?? "";
  await keepsTheRules(page, "customer");
  await page.goto(DESK);
  await keepsTheRules(page, "today");
  await page.getByLabel("Code of the person").fill("000000");
  await button(page, "Find").click();
  await expect(page.getByRole("alert")).toContainText("Nobody is waiting under this code");
  await page.getByLabel("Code of the person").fill(code);
  await button(page, "Find").click();
  await button(page, "Start").click();

  const picture = await card(page);
  const choose = page.getByLabel("Choose a picture");
  await choose.first().setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("nothing") });
  await expect(page.getByText("This picture cannot be read.")).toBeVisible();
  for (const side of [0, 1]) await choose.nth(side).setInputFiles({ name: "card.png", mimeType: "image/png", buffer: picture });
  await expect(page.getByRole("heading", { name: "Checks" })).toBeVisible({ timeout: 30_000 });
  await expect(page.getByText("Advice only")).toBeVisible();
  await expect(page.getByRole("img", { name: "Front" })).toBeVisible();
  await keepsTheRules(page, "begun");
  await button(page, "Validate").click();
  // The pictures are drawn anew, which takes its time in a build for tests.
  await expect(page.getByText("Identified.", { exact: true })).toBeVisible({ timeout: 20_000 });
  await keepsTheRules(page, "identified");

  await page.getByLabel("PIN that you choose now").fill("4711");
  await button(page, "Lock and hand over").click();
  await expect(heading(page, "Read the document")).toBeVisible();
  expect(new URL(page.url()).hash, "what opens the signature is taken out of the address").toBe("");
  await button(page, "I have read the document").click();
  await hand.overhear(page);
  // At a pace of its own: another test draws the same line, and the server refuses what was drawn before.
  await hand.mouse(page, hand.SIGNATURE, 9);
  await page.getByRole("checkbox").check();
  await button(page, "Sign").click();
  await expect(heading(page, "Give it back")).toBeVisible();
  await keepsTheRules(page, "back");
  expect((await server.read(process)).status).toMatch(/^(SIGNED|CERTIFIED)$/);

  // The customer sees nothing of the desk.
  await page.goto(DESK);
  await expect(heading(page, "This device is locked")).toBeVisible();
  await keepsTheRules(page, "locked");
  await page.getByLabel("PIN").fill("0000");
  await button(page, "Unlock").click();
  await expect(page.getByRole("alert")).toContainText("That is another PIN");
  await page.getByLabel("PIN").fill("4711");
  await button(page, "Unlock").click();
  await expect(heading(page, "Who is waiting")).toBeVisible();
  expect(addresses.filter((address) => /[0-9A-Z]{6}\.[\w-]{22}/.test(address.split("#")[0]!))).toEqual([]);
});

test("a tablet of the shop shows a code, lets who was sent there sign, and forgets them", async ({ page, browser }) => {
  test.setTimeout(120_000);
  await signIn(page);
  const context = await browser.newContext();
  const tablet = await context.newPage();
  await signIn(tablet);
  await tablet.getByText("Make this a tablet of the shop").first().click();
  await button(tablet, "Make this a tablet of the shop").click();
  const code = tablet.locator(".pair");
  await expect(code).toHaveText(/^\w{3} \w{3}$/);
  await keepsTheRules(tablet, "tablet_idle");

  await begun(page, "SIMPLE");
  await button(page, "Start").click();
  await button(page, "Validate").click();
  await page.getByLabel("Code on the tablet").fill((await code.textContent()) ?? "");
  await button(page, "Hand over").click();
  await expect(heading(tablet, "Read the document")).toBeVisible({ timeout: 15_000 });
  await page.reload();
  await expect(page.getByText("The device is with the person")).toBeVisible();
  await button(tablet, "I have read the document").click();
  await tablet.getByRole("checkbox").check();
  await button(tablet, "Sign").click();
  await expect(heading(tablet, "Give it back")).toBeVisible();
  await button(tablet, "Done").click();
  await expect(code).toHaveText(/^\w{3} \w{3}$/);
  expect(await tablet.evaluate(() => sessionStorage.length), "nothing stays of who signed").toBe(0);
  await page.reload();
  await expect(page.getByText("Used: it was signed, or closed.")).toBeVisible();
  await context.close();
});

test("the customer's own phone goes on with a code that works once", async ({ page, browser }) => {
  test.setTimeout(90_000);
  await signIn(page);
  await begun(page, "SIMPLE");
  await button(page, "Start").click();
  await button(page, "Validate").click();
  // What the script of the page draws and forgets.
  await page.route("**/pages/agent-*.js", (route) => route.abort());
  await button(page, "Show the code").click();
  const address = await page.locator("svg[data-qr]").getAttribute("data-qr");
  const context = await browser.newContext({ viewport: { width: 390, height: 844 } });
  const phone = await context.newPage();
  await phone.goto(address ?? "");
  await expect(heading(phone, "Read the document")).toBeVisible();
  const again = await context.newPage();
  await again.goto(address ?? "");
  await expect(heading(again, "There is nothing to sign here")).toBeVisible();
  await keepsTheRules(again, "tablet_over");
  await context.close();
});

test("who is not this customer ends what was to be signed", async ({ page }) => {
  await signIn(page);
  const process = await begun(page, "SIMPLE");
  await button(page, "Start").click();
  await page.getByLabel("Why").fill("another face");
  await button(page, "It is not this person").click();
  await expect(page.getByText("The identification was ended.")).toBeVisible();
  await expect.poll(async () => (await server.read(process)).status).toBe("FAILED");
});
