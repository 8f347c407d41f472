// The example of a shop, on an origin of its own: the element and the frame in its pages, under its own policy, without a cookie.

import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

import { expect, test as base, type BrowserContext, type FrameLocator, type Page } from "@playwright/test";

import { watch } from "./scene.js";
import * as server from "./server.js";

interface Shop {
  origin: string;
}

/** The example itself. */
type Example = { shop(options: { rubrica: string; token: string }): Server };
const example = new URL("../../deploy/examples/shop/shop.mjs", import.meta.url).href;

const test = base.extend<{ place: Shop }>({
  place: [
    async ({ context }, use) => {
      const { shop } = (await import(example)) as Example;
      const one = shop({ rubrica: server.BASE, token: server.TOKEN });
      await new Promise<void>((done) => one.listen(0, "127.0.0.1", done));
      // A name of its own, and so another site than the server's.
      const origin = `http://localhost:${(one.address() as AddressInfo).port}`;
      const [faults, addresses]: [string[], string[]] = [[], []];
      await watch(context, faults, addresses);
      await use({ origin });
      expect(faults, "what no page may do").toEqual([]);
      expect(await context.cookies()).toEqual([]);
      one.closeAllConnections();
      await new Promise((done) => one.close(done));
    },
    { auto: true },
  ],
});

// The configuration is one for all.
test.describe.configure({ mode: "serial" });

test.beforeAll(() => server.useOwnPages());
test.afterAll(() => server.configurePages({}));

/** A signature that waits, and the signer. */
async function waiting(): Promise<{ signer: server.Signer; signature: string }> {
  const signer = server.address("shopper");
  await server.start([signer]);
  const short = /\/s\/acme\/([\w-]{22})#/.exec(await server.link(signer.email))?.[1] ?? "";
  const hex = Buffer.from(short, "base64url").toString("hex");
  return { signer, signature: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5") };
}

/** From the invitation to the signature. */
async function signs(page: Page | FrameLocator, { email }: server.Signer): Promise<void> {
  await page.getByRole("button", { name: "Send the code" }).click();
  await expect(page.getByRole("heading", { name: "Type the code" })).toBeVisible();
  await page.getByLabel("Code").fill(await server.code(email, 0));
  await page.getByRole("button", { name: "Check the code" }).click();
  await expect(page.getByText("3 pages").first()).toBeVisible();
  await expect(page.getByRole("img", { name: /Page 1/ }).or(page.locator("img[src*='/pages/1/']")).first()).toBeAttached();
  await page.getByRole("button", { name: "I have read the document" }).click();
  await page.getByRole("checkbox").check();
  await page.getByRole("button", { name: "Sign", exact: true }).click();
  await expect(page.getByRole("heading", { name: "You have signed" })).toBeVisible();
}

async function storages(context: BrowserContext, origin: string): Promise<string> {
  const { origins } = await context.storageState();
  return JSON.stringify(origins.filter((one) => one.origin === origin));
}

test("the element signs in a page of another origin, in the tenant's colour", async ({ page, place, context }) => {
  await server.configurePages({ origins: [place.origin], accent: "#7a1f5c", privacy_url: "https://acme.example/privacy" });
  const { signer, signature } = await waiting();
  await page.goto(`${place.origin}/element/${signature}`);
  await expect(page.getByRole("heading", { name: /asks you to sign$/ })).toBeVisible();
  await expect(page.getByRole("button", { name: "Send the code" }).or(page.getByRole("button", { name: "Continue" })).first()).toHaveCSS(
    "background-color",
    "rgb(122, 31, 92)",
  );
  await expect(page.getByRole("link", { name: /does with your data$/ })).toHaveAttribute("href", "https://acme.example/privacy");
  await signs(page, signer);
  await expect(page.locator("#news")).toHaveText("Signed: the shop goes on.");
  await expect(page).toHaveTitle("A shop");
  expect(await storages(context, place.origin)).not.toContain(server.TOKEN);
});

test("the frame signs in a page of another origin, as high as it has to be", async ({ page, place }) => {
  await server.configurePages({ origins: [place.origin] });
  const { signer, signature } = await waiting();
  await page.goto(`${place.origin}/frame/${signature}`);
  const frame = page.frameLocator("iframe");
  await expect(frame.getByRole("heading", { name: /asks you to sign$/ })).toBeVisible();
  const heights = async (): Promise<[number, number]> => {
    const inner = await frame.locator("rubrica-sign").evaluate((element) => Math.ceil(element.getBoundingClientRect().height));
    return [Number(await page.locator("iframe").getAttribute("height")), inner];
  };
  await expect(async () => {
    const [outer, inner] = await heights();
    expect(outer).toBe(inner);
  }).toPass({ timeout: 5_000 });
  await signs(frame, signer);
  await expect(page.locator("#news")).toHaveText("Signed: the shop goes on.");
});

test("neither the element nor the frame works on an origin that is not let in", async ({ browser, place }) => {
  await server.configurePages({ origins: ["https://elsewhere.example"] });
  const { signature } = await waiting();
  // Apart from the context that is watched: what the browser says of refusals is wanted here.
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${place.origin}/element/${signature}`);
  const call = await page.evaluate(
    (url) => fetch(url).then(
      () => "read",
      () => "refused",
    ),
    `${server.BASE}/pages/api/acme/signs/${signature}/invitation`,
  );
  expect(call).toBe("refused");
  await expect(page.getByRole("heading", { name: /asks you to sign$/ })).toHaveCount(0);
  await page.goto(`${place.origin}/frame/${signature}`);
  await expect(page.locator("iframe")).toBeAttached();
  await page.waitForLoadState("networkidle");
  await expect(page.frameLocator("iframe").locator("rubrica-sign")).toHaveCount(0);
  await context.close();
});
