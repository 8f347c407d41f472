// Whole lives on the real server: what is clicked here is signed, sealed, declined and journaled there. Codes and links come from the
// sandbox's messages, time from its clock.

import { expect, test as base, type Page } from "@playwright/test";

import * as hand from "./hand.js";
import * as identity from "./identity.js";
import { button, heading, watch } from "./scene.js";
import * as server from "./server.js";

/** Pages of these tests break no rule either, and no secret gets into an address. */
const test = base.extend<{ secrets: Set<string> }>({
  secrets: [
    async ({ context }, use) => {
      const [faults, addresses, secrets]: [string[], string[], Set<string>] = [[], [], new Set()];
      await watch(context, faults, addresses);
      await use(secrets);
      expect(faults, "what no page may do").toEqual([]);
      const told = addresses.filter((address) => [...secrets].some((secret) => address.split("#")[0]?.includes(secret)));
      expect(told, "secrets in addresses").toEqual([]);
    },
    { auto: true },
  ],
});

// The clock is one for all.
test.describe.configure({ mode: "serial" });
test.afterEach(server.release);

test.beforeAll(() => server.useOwnPages());

async function open(page: Page, { email }: server.Signer, secrets: Set<string>): Promise<void> {
  const link = await server.link(email);
  secrets.add(link.split("#k=")[1] ?? "no secret");
  await page.goto(link);
  await expect(heading(page, /asks you to sign$/)).toBeVisible();
}

/** Answers a code; `before`: how many there were. */
async function identify(page: Page, { email }: server.Signer, secrets: Set<string>, before = 0): Promise<void> {
  await button(page, "Send the code").click();
  await expect(heading(page, "Type the code")).toBeVisible();
  const code = await server.code(email, before);
  secrets.add(code);
  await page.getByLabel("Code").fill(code);
  await button(page, "Check the code").click();
}

async function read(page: Page): Promise<void> {
  await expect(heading(page, "Read the document")).toBeVisible();
  await expect(page.getByText("3 pages").first()).toBeVisible();
  await button(page, "I have read the document").click();
}

async function sign(page: Page): Promise<void> {
  await read(page);
  await page.getByRole("checkbox").check();
  await button(page, "Sign").click();
  await expect(heading(page, "You have signed")).toBeVisible();
}

test("a signer gets a link, reads, signs, and has the sealed document and the certificate", async ({ page, secrets }) => {
  const ana = server.address("ana");
  const process = await server.start([ana]);
  await open(page, ana, secrets);
  await button(page, "Continue").click();
  await identify(page, ana, secrets);
  await expect(heading(page, "Read the document")).toBeVisible();
  const image = page.locator("rubrica-document img").first();
  await expect.poll(() => image.evaluate((element) => (element as HTMLImageElement).naturalWidth)).toBeGreaterThan(0);
  await expect(page.getByText("The rent is paid within seven days.").first()).toBeAttached();
  await sign(page);
  await server.until(process, "CERTIFIED");
  await expect(page.getByText("Signed documents")).toBeVisible({ timeout: 15_000 });
  const links = page.getByRole("link", { name: /^Download/ });
  await expect(links).toHaveCount(2);
  expect((await server.file(page, /^Download/)).subarray(0, 5).toString()).toBe("%PDF-");
  // The same window has them again after a reload.
  await page.reload();
  await expect(links).toHaveCount(2);
});

test("a signer signs by hand, and who holds the key finds in the sealed document what was drawn", async ({ page, secrets }) => {
  const holder = await server.holder();
  const ana = server.address("ana");
  const process = await server.start([ana], "BIOMETRIC");
  await open(page, ana, secrets);
  await button(page, "Continue").click();
  await identify(page, ana, secrets);
  await read(page);
  await page.getByRole("checkbox").check();
  const bodies: unknown[] = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/sign")) bodies.push(request.postDataJSON());
  });
  await hand.pen(page, hand.SIGNATURE, { force: (at) => 0.3 + 0.01 * (at % 30), tilt: [25, 10] });
  await button(page, "Sign").click();
  await expect(heading(page, "You have signed")).toBeVisible();
  await server.until(process, "CERTIFIED");
  await expect(page.getByText("Signed documents")).toBeVisible({ timeout: 15_000 });
  const document = await server.file(page, "Download lease.pdf");
  expect(bodies).toHaveLength(1);
  const { text, record } = hand.sent(bodies[0]);
  expect(await server.samples(document, holder)).toEqual([text]);
  expect(record.strokes.map(({ length }) => length)).toEqual([hand.SIGNATURE.length]);
  // In clear it is nowhere in the document.
  expect(document.includes("rubrica-strokes-1")).toBe(false);
});

test("the server's refusal of a signature by hand is said at the box", async ({ page, secrets }) => {
  await server.holder({ points_min: hand.SIGNATURE.length + 1 });
  const ana = server.address("ana");
  const process = await server.start([ana], "BIOMETRIC");
  await open(page, ana, secrets);
  await button(page, "Continue").click();
  await identify(page, ana, secrets);
  await read(page);
  await page.getByRole("checkbox").check();
  await hand.mouse(page, hand.SIGNATURE);
  await button(page, "Sign").click();
  await expect(page.getByRole("alert")).toContainText("That is too small or too little.");
  // The box has what it had: a little more is enough.
  await hand.mouse(page, hand.LINE);
  await button(page, "Sign").click();
  await expect(heading(page, "You have signed")).toBeVisible();
  await server.until(process, "CERTIFIED");
});

test("two signers, one after the other, and the first one's page follows", async ({ page, browser, secrets }) => {
  const [ana, eva] = [server.address("ana"), server.address("eva")];
  const process = await server.start([ana, eva]);
  await open(page, ana, secrets);
  await button(page, "Continue").click();
  await identify(page, ana, secrets);
  await sign(page);
  await expect(page.getByText("1 person still has to sign.")).toBeVisible();
  const context = await browser.newContext();
  const other = await context.newPage();
  await open(other, eva, secrets);
  await expect(other.getByText("2 people sign; 1 has signed already.")).toBeVisible();
  await button(other, "Continue").click();
  await identify(other, eva, secrets);
  await sign(other);
  await server.until(process, "CERTIFIED");
  await expect(page.getByText("Signed documents")).toBeVisible({ timeout: 15_000 });
  await context.close();
});

test("a signer declines, and the others are told", async ({ page, browser, secrets }) => {
  const [ana, eva] = [server.address("ana"), server.address("eva")];
  const process = await server.start([ana, eva]);
  const context = await browser.newContext();
  const other = await context.newPage();
  await open(other, eva, secrets);
  await open(page, ana, secrets);
  await page.getByText("Not you?").click();
  await button(page, "Decline to sign").click();
  await page.getByLabel("Why do you not sign?").fill("not what we agreed on");
  await button(page, "Decline for good").click();
  await expect(heading(page, "You have declined to sign")).toBeVisible();
  await expect(page.getByText("not what we agreed on")).toBeVisible();
  await expect(heading(other, "Somebody else has declined to sign")).toBeVisible({ timeout: 15_000 });
  await expect(other.getByText("not what we agreed on")).toBeHidden();
  await server.until(process, "CANCELLED");
  await context.close();
});

test("a process that is cancelled while its document is read says so", async ({ page, secrets }) => {
  const ana = server.address("ana");
  const process = await server.start([ana]);
  await open(page, ana, secrets);
  await button(page, "Continue").click();
  await identify(page, ana, secrets);
  await expect(heading(page, "Read the document")).toBeVisible();
  await server.cancel(process);
  await expect(heading(page, "The signature was cancelled")).toBeVisible({ timeout: 15_000 });
});

test("wrong codes, until the signature has failed", async ({ page, secrets }) => {
  const ana = server.address("ana");
  const process = await server.start([ana]);
  await open(page, ana, secrets);
  await button(page, "Continue").click();
  await button(page, "Send the code").click();
  await expect(heading(page, "Type the code")).toBeVisible();
  const failed = heading(page, "The signature could not be made");
  for (let sent = 1; sent <= 10 && !(await failed.isVisible()); ) {
    const right = await server.code(ana.email, sent - 1);
    await page.getByLabel("Code").fill(right.replace(/./g, (digit) => String((Number(digit) + 1) % 10)));
    await button(page, "Check the code").click();
    await expect(failed.or(page.getByRole("alert"))).toBeVisible();
    if (await failed.isVisible()) break;
    if (!/too often|no longer valid/.test(await page.getByRole("alert").innerText())) continue;
    await server.advance("PT2M");
    await page.reload();
    const again = button(page, /^Send (another|the) code$/);
    await expect(failed.or(again)).toBeVisible();
    if (await failed.isVisible()) break;
    await again.click();
    sent++;
  }
  await expect(failed).toBeVisible();
  await server.until(process, "FAILED");
});

test("a signer goes on after half an hour, in the same tab and in a new one", async ({ page, browser, secrets }) => {
  const ana = server.address("ana");
  await server.start([ana]);
  await open(page, ana, secrets);
  await button(page, "Continue").click();
  await identify(page, ana, secrets);
  await expect(heading(page, "Read the document")).toBeVisible();
  await server.advance("PT31M");
  await page.reload();
  await expect(heading(page, "Read the document")).toBeVisible();
  // Somebody who has only the link has to prove who they are.
  const context = await browser.newContext();
  const other = await context.newPage();
  await open(other, ana, secrets);
  await button(other, "Go on where you were").click();
  await expect(heading(other, "We check once more that it is you")).toBeVisible();
  await identify(other, ana, secrets, 1);
  await sign(other);
  await context.close();
  await expect(heading(page, "You have signed")).toBeVisible({ timeout: 15_000 });
});

test("a link that was sent anew makes the old one worthless", async ({ page, secrets }) => {
  const ana = server.address("ana");
  await server.start([ana]);
  const first = await server.link(ana.email);
  await page.goto(first.split("#")[0] ?? "");
  await expect(heading(page, "A part of the link is missing")).toBeVisible();
  await button(page, "Send me the link again").click();
  await expect(page.getByRole("paragraph").filter({ hasText: "reaches you within minutes" })).toBeVisible();
  await server.link(ana.email, 1);
  await page.goto(first);
  await expect(heading(page, "This link is no longer valid")).toBeVisible();
  await open(page, ana, secrets);
});

test("a process whose time is over says since when", async ({ page, secrets }) => {
  const ana = server.address("ana");
  const process = await server.start([ana]);
  await open(page, ana, secrets);
  await server.advance("P31D");
  await server.until(process, "EXPIRED");
  await expect(heading(page, "The time to sign is over")).toBeVisible({ timeout: 15_000 });
  await page.reload();
  await expect(heading(page, "The time to sign is over")).toBeVisible();
});

test("pictures of a document that is none are refused in words by the check of the server itself", async ({ page, secrets }) => {
  const ana = server.address("ana");
  await server.start([ana], "SIMPLE", "IDENTITY_DOCUMENT");
  await open(page, ana, secrets);
  await identity.toLook(page);
  await button(page, "Send the pictures").click();
  await expect(page.getByRole("alert")).toContainText("The document did not pass.", { timeout: 25_000 });
  await expect(page.getByText("The lines of letters and < at the edge cannot be read.")).toBeVisible();
  await expect(page.getByText("You can send pictures 4 more times.")).toBeVisible();
});

test("a signer whom an agent identifies sees it at once", async ({ page, secrets }) => {
  const ana = server.address("ana");
  const process = await server.start([ana], "SIMPLE", "AGENT");
  await open(page, ana, secrets);
  await button(page, "Continue").click();
  await expect(heading(page, /^Show this code to /)).toBeVisible();
  await expect(page.locator(".desk-code .quiet")).toHaveText(/^([0-9A-HJKMNP-TV-Z] ){5}[0-9A-HJKMNP-TV-Z]$/);
  await server.vouch(process);
  await expect(heading(page, "You are identified")).toBeFocused();
});
