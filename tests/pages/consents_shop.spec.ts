// The example of a shop, on an origin of its own, with the element of consents and the real server: under the shop's policy, without a cookie.

import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { expect, test } from "@playwright/test";

import { ownScripts } from "./consents_scene.js";
import { watch } from "./scene.js";
import * as server from "./server.js";

type Example = { shop(options: { rubrica: string; token: string; segment: string; customer: string }): Server };
const example = pathToFileURL(join(__dirname, "../../deploy/examples/shop/shop.mjs")).href;

/** Of this test alone. */
const SEGMENT = `web-${crypto.randomUUID()}`;
const CUSTOMER = crypto.randomUUID();
const id = (name: string): string => `${name}_${SEGMENT.replace(/\W/g, "_").toUpperCase()}`.slice(0, 60);

const api = async (method: string, path: string, body?: unknown): Promise<Response> => {
  const answer = await fetch(`${server.BASE}/v2/orgs/acme/${path}`, {
    method,
    headers: { authorization: `Bearer ${server.TOKEN}`, "content-type": "application/json", "x-segment": SEGMENT, "accept-language": "en" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  return answer;
};

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

test("the element shows, saves and withdraws in a page of another origin", async ({ page, context }) => {
  test.slow();
  const { shop } = (await import(example)) as Example;
  const one = shop({ rubrica: server.BASE, token: server.TOKEN, segment: SEGMENT, customer: CUSTOMER });
  await new Promise<void>((done) => one.listen(0, "127.0.0.1", done));
  const origin = `http://localhost:${(one.address() as AddressInfo).port}`;
  const [faults, addresses]: [string[], string[]] = [[], []];
  await watch(context, faults, addresses);
  await ownScripts(context);
  await server.configurePages({ origins: [origin] });
  try {
    await plant();
    await page.goto(`${origin}/consents.html`);
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
    expect(faults, "what no page may do").toEqual([]);
    expect(await context.cookies()).toEqual([]);
    expect(addresses.filter((address) => address.includes(CUSTOMER))).toEqual([]);
  } finally {
    await server.configurePages({});
    one.closeAllConnections();
    await new Promise((done) => one.close(done));
  }
});
