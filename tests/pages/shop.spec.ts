// The example of a shop, on an origin of its own: the elements and the frame in its pages, under its own policy, without a cookie.

import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { expect, test as base, type BrowserContext, type FrameLocator, type Page } from "@playwright/test";

import { ownScripts } from "./consents_scene.js";
import { watch } from "./scene.js";
import * as server from "./server.js";

interface Shop {
  origin: string;
  /** All addresses that browsers asked for. */
  addresses: readonly string[];
}

/** The example itself. */
type Example = { shop(options: { rubrica: string; token: string; segment: string; customer: string }): Server };
const example = pathToFileURL(join(__dirname, "../../deploy/examples/shop/shop.mjs")).href;

/** Whose consents the shop shows: of these tests alone, and with a letter that a header has as two bytes. */
const SEGMENT = `año-${crypto.randomUUID()}`;
const CUSTOMER = crypto.randomUUID();
/** The id of a consent. */
const id = (name: string): string => `${name}_${SEGMENT.slice(4).replace(/\W/g, "_").toUpperCase()}`;

const test = base.extend<{ place: Shop }>({
  place: [
    async ({ context }, use) => {
      const { shop } = (await import(example)) as Example;
      const one = shop({ rubrica: server.BASE, token: server.TOKEN, segment: SEGMENT, customer: CUSTOMER });
      await new Promise<void>((done) => one.listen(0, "127.0.0.1", done));
      // A name of its own, and so another site than the server's.
      const origin = `http://localhost:${(one.address() as AddressInfo).port}`;
      const [faults, addresses]: [string[], string[]] = [[], []];
      await watch(context, faults, addresses);
      await ownScripts(context);
      await use({ origin, addresses });
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
  await page.getByRole("button", { name: "Continue" }).click();
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

/** A call of the API of consents, as the shop's back office makes it. */
async function api(method: string, path: string, body?: unknown): Promise<Response> {
  const segment = Buffer.from(SEGMENT).toString("latin1");
  const answer = await fetch(`${server.BASE}/v2/orgs/acme/${path}`, {
    method,
    headers: { authorization: `Bearer ${server.TOKEN}`, "content-type": "application/json", "x-segment": segment, "accept-language": "en" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer;
}

/** Three consents and their tree. */
async function plant(): Promise<void> {
  const definitions = [
    ["OFFERS", "OPT_IN", "P180D", "I agree to receive offers.", "Acepto recibir ofertas."],
    ["EMAIL", "OPT_IN", null, "Also by e-mail.", "También por correo electrónico."],
    ["STATISTICS", "OPT_OUT_POSITIVE", null, "My usage data improve the service.", "Mis datos de uso mejoran el servicio."],
  ] as const;
  for (const [name, type, duration, english, spanish] of definitions) {
    const text = (language: string, text: string): unknown => ({ language, text, description: "", short_text: text });
    const policy = duration === null ? {} : { expiration_policy: { duration } };
    await api("POST", "consents", { id: id(name), type, ...policy, consent: [text("en", english), text("es", spanish)] });
  }
  await api("POST", "consents/tree", {
    description: "Customers of the shop",
    default_language: "es",
    allowed_languages: ["es", "en"],
    consents_order: definitions.map(([name]) => id(name)),
    priority_consent_ids: [id("OFFERS")],
    channels: ["web"],
    users_type: "customers",
    views: [{ view: "MANDATORY", consents: [id("OFFERS"), id("EMAIL")] }],
    dependencies: [{ father: id("OFFERS"), child: [id("EMAIL")] }],
  });
}

test("consents are shown, saved and withdrawn in a page of another origin", async ({ page, place }) => {
  test.slow();
  await server.configurePages({ origins: [place.origin] });
  await plant();
  await page.goto(`${place.origin}/consents.html`);
  const group = (name: string) => page.getByRole("group", { name });
  await expect(group("I agree to receive offers.")).toBeVisible();
  // Whom the server does not know is asked what is in the view MANDATORY.
  await expect(page.getByRole("checkbox")).toHaveCount(0);
  await expect(page.getByRole("radio", { checked: true })).toHaveCount(0);
  await page.getByRole("radio", { name: "I accept" }).first().check();
  await group("Also by e-mail.").getByRole("radio", { name: "I do not accept" }).check();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.locator("#news")).toHaveText(`Saved. Accepted now: ${id("OFFERS")}.`);
  await expect(page.getByText("1 more question is shown now")).toBeVisible();
  await expect(page.getByText(/You accept until/)).toBeVisible();
  await page.getByRole("checkbox", { name: "My usage data improve the service." }).uncheck();
  await page.getByRole("radio", { name: "I do not accept" }).first().check();
  await page.getByRole("button", { name: "Save" }).click();
  await expect(page.locator("#news")).toHaveText("Saved. Accepted now: nothing.");

  const choices = (await (await api("GET", `customers/${CUSTOMER}/consents`)).json()) as { statements: { id: string; choice: number }[] };
  expect(choices.statements.map(({ id, choice }) => [id, choice])).toEqual([
    [id("OFFERS"), 2],
    [id("STATISTICS"), 2],
  ]);
  const history = JSON.stringify(await (await api("GET", `customers/${CUSTOMER}/consents/history`)).json());
  expect(history).toContain("127.0.0.1");
  expect(history).toContain("ecare");

  // A new page shows the same, in the language that it wants.
  await page.reload();
  await page.locator("rubrica-consents").evaluate((element) => element.setAttribute("lang", "es"));
  await expect(group("Acepto recibir ofertas.").getByRole("radio", { name: "No acepto" }).first()).toBeChecked();
  await expect(page.getByRole("checkbox")).not.toBeChecked();
  expect(place.addresses.filter((address) => address.includes(CUSTOMER))).toEqual([]);
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
