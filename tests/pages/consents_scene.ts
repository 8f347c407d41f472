// A tenant's page with the element of consents, and the API behind it played by the test.

import { readFile, readdir } from "node:fs/promises";

import { expect, test as base, type BrowserContext, type Page, type Route } from "@playwright/test";

import type { Capture, Choice, Statement } from "../../pages/web/consents_api.js";
import { error, watch, type Answer } from "./scene.js";

export const TOKEN = "component-token-of-this-test";
export const IP = "203.0.113.10";

/** Folder of built scripts that come in place of the server's, to try them without building a server: such as `pages/dist`. */
const PAGES = process.env["RUBRICA_TEST_PAGES"];

/** Scripts from that folder, if there is one. */
export async function ownScripts(context: BrowserContext): Promise<void> {
  if (!PAGES) return;
  const files = await readdir(PAGES);
  await context.route(/\/pages\/consents[\w-]*\.js/, async (route) => {
    const name = new URL(route.request().url()).pathname.split("/").pop() ?? "";
    const stem = name.replace(/\.js$/, "");
    const file = files.includes(name) ? name : files.find((one) => new RegExp(`^${stem}-[0-9a-f]{12}\\.js$`).test(one));
    const headers = { "access-control-allow-origin": "*", "cross-origin-resource-policy": "cross-origin" };
    await route.fulfill({ contentType: "text/javascript", headers, body: await readFile(`${PAGES}/${file}`) });
  });
}

export const statement = (id: string, text: string, more: Partial<Statement> = {}): Statement => ({
  id,
  text,
  description: "",
  choice: 1,
  choice_type: "OPT_IN",
  read_only: false,
  child_statements: [],
  ...more,
});

/** A family, what is to be objected to in both wordings, and a consent that ends. */
export const tree = (): Statement[] => [
  statement("OFFERS", "I agree to receive offers of your own products.", {
    description: "At most one message a week. You can stop them at any time.",
    child_statements: [statement("OFFERS_EMAIL", "Also by e-mail."), statement("OFFERS_PHONE", "Also by phone, on working days.")],
  }),
  statement("STATISTICS", "My usage data improve the service.", { choice_type: "OPT_OUT_POSITIVE", choice: 0 }),
  statement("PARTNERS", "My data shall not go to partners of the group.", { choice_type: "OPT_OUT_NEGATIVE", choice: 0 }),
  statement("PROFILE", "You may make a profile of what I use, to recommend what fits.", { choice: 0, expiration_date: "2031-05-14T10:00:00Z" }),
];

const flat = (statements: Statement[]): Statement[] => statements.flatMap((one) => [one, ...flat(one.child_statements)]);

/** The statements of a view. */
const within = (statements: Statement[], ids: string[]): Statement[] =>
  statements.filter(({ id }) => ids.includes(id)).map((one) => ({ ...one, child_statements: within(one.child_statements, ids) }));

/** An answer for a call; `lost` breaks the connection, after the play did what the server would have done. */
export type Play = (body: Capture | null, headers: Record<string, string>) => Answer | "lost" | null | Promise<null>;

export class Scene {
  statements = tree();
  known = true;
  locale = "en_ES";
  /** What of the tree is in the view MANDATORY. */
  mandatory: string[] = [];
  tokens = new Set([TOKEN]);
  /** Attributes of the element. */
  attributes: Record<string, string> = { org: "acme", segment: "telco", token: TOKEN, ip: IP, lang: "en" };
  /** Ways to answer that come before the usual one, by the method. */
  readonly plays = new Map<string, Play>();
  readonly calls: { method: string; url: URL; headers: Record<string, string>; body: Capture | null }[] = [];
  readonly faults: string[] = [];
  readonly addresses: string[] = [];
  private edition = 1;

  get key(): string {
    return String(this.edition).padStart(64, "0");
  }

  /** Something of the tree or of the choices is another one, and the key from before is no longer good. */
  change(run: () => void): void {
    run();
    this.edition++;
  }

  find(id: string): Statement {
    const found = flat(this.statements).find((one) => one.id === id);
    if (!found) throw new Error(`no ${id} in this scene`);
    return found;
  }

  /** What a capture does on the server. */
  record(body: Capture | null): void {
    for (const { id, choice } of body?.selections ?? []) Object.assign(this.find(id), { choice: choice as Choice });
    this.known = true;
  }

  sent(method: string): Scene["calls"] {
    return this.calls.filter((call) => call.method === method);
  }

  private usual(route: Route, headers: Record<string, string>, body: Capture | null): Answer {
    const request = route.request();
    const url = new URL(request.url());
    if (!this.tokens.has(headers["authorization"]?.replace("Bearer ", "") ?? "")) return error(401, "MCONS_002");
    if (headers["x-segment"] !== "telco") return error(404, "MCONS_003");
    if (request.method() === "POST") {
      if (headers["x-key"] !== this.key) return error(401, "MCONS_011");
      this.record(body);
      return { status: 201, json: { id: "7c6f1a0e-5c0b-4e0e-9b0a-0d6a2a5f4c11" } };
    }
    const views = url.searchParams.getAll("view");
    const shown = views.includes("MANDATORY") ? within(this.statements, this.mandatory) : this.statements;
    return { status: this.known ? 202 : 200, json: { statements: shown, locale: this.locale }, headers: { "x-key": this.key } };
  }

  private async answer(route: Route): Promise<void> {
    const request = route.request();
    const headers = await request.allHeaders();
    const body = request.postDataJSON() as Capture | null;
    this.calls.push({ method: request.method(), url: new URL(request.url()), headers, body });
    const answer = (await this.plays.get(request.method())?.(body, headers)) ?? this.usual(route, headers, body);
    if (answer === "lost") return route.abort("connectionreset");
    const { status, json, headers: more } = answer;
    await route.fulfill({ status, headers: { "x-request-id": "0193a3ee-0001", ...more }, ...(json === undefined ? {} : { json }) });
  }

  async install(context: BrowserContext): Promise<void> {
    await ownScripts(context);
    await context.route(/\/v2\/orgs\/acme\/customers\/[^/]+\/consents(\?|$)/, (route) => this.answer(route).catch(() => {}));
    await context.route("**/a-tenant", (route) => {
      const attributes = Object.entries(this.attributes).map(([name, value]) => ` ${name}="${value}"`);
      const body = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>A tenant</title><link rel="icon" href="data:,"><script type="module" src="/pages/consents.js"></script></head>
<body><main><h1>Your account</h1><rubrica-consents${attributes.join("")}></rubrica-consents></main></body></html>`;
      return route.fulfill({ contentType: "text/html", headers: { "content-security-policy": POLICY }, body });
    });
    // Events are heard before the page has any script.
    await context.addInitScript(() => {
      const heard: unknown[] = [];
      Object.assign(globalThis, { heard });
      for (const name of ["ready", "changed", "problem", "token-expiring"]) {
        const type = `rubrica-consents-${name}`;
        document.addEventListener(type, (event) => heard.push({ name, ...(event as CustomEvent<object>).detail }));
      }
    });
  }
}

/** The policy of a tenant's page, as strict as it can be. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "connect-src 'self'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types lit-html",
].join("; ");

export const test = base.extend<{ scene: Scene }>({
  scene: async ({ context }, use) => {
    const scene = new Scene();
    await watch(context, scene.faults, scene.addresses);
    await scene.install(context);
    await use(scene);
    expect(scene.faults, "what no page may do").toEqual([]);
    expect(await context.cookies()).toEqual([]);
    const { origins } = await context.storageState();
    expect(origins, "what is kept in the page's storage").toEqual([]);
    for (const address of scene.addresses) expect(address).not.toContain(TOKEN);
  },
});

export { error, expect };

export type Heard = { name: string } & Record<string, unknown>;

export const heard = (page: Page): Promise<Heard[]> => page.evaluate(() => (globalThis as unknown as { heard: Heard[] }).heard);

export const element = (page: Page) => page.locator("rubrica-consents");
export const button = (page: Page, name: string | RegExp) => page.getByRole("button", { name, exact: true });
/** The group of a statement by its text. */
export const group = (page: Page, text: string | RegExp) => page.getByRole("group", { name: text });
export const answer = (page: Page, text: string, label: "I accept" | "I do not accept") =>
  group(page, text).getByRole("radio", { name: label, exact: true }).first();

export async function open(page: Page): Promise<void> {
  await page.goto("/a-tenant");
  await expect(page.locator("rubrica-consents .card:not([data-step=loading])")).toBeVisible({ timeout: 15_000 });
}
