// The element of consents in a tenant's page: every state, by eye, ear and keyboard, and what it sends and says.

import { mkdir } from "node:fs/promises";

import AxeBuilder from "@axe-core/playwright";
import type { Locator, Page } from "@playwright/test";

import { IP, TOKEN, answer, button, element, error, expect, group, heard, open, test, tree } from "./consents_scene.js";
import { STATES, show } from "./consents_states.js";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const SHOTS = process.env["RUBRICA_TEST_SHOTS"];
const LANGUAGES = ["es", "ca", "eu", "gl", "de", "en"];
const OFFERS = "I agree to receive offers";

async function violations(page: Page, only: string[] | null): Promise<string[]> {
  const builder = new AxeBuilder({ page });
  const { violations } = await (only ? builder.withRules(only) : builder.withTags(RULES)).analyze();
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary ?? ""}`));
}

/** What is too small for a thumb, shows a key or a place of the words, or runs over its box. */
function untidy(): string[] {
  const found: string[] = [];
  const root = document.querySelector("rubrica-consents")?.shadowRoot;
  for (const one of root?.querySelectorAll("*") ?? []) {
    if (one.matches("button, summary, input")) {
      const { width, height } = (one.closest("label") ?? one).getBoundingClientRect();
      if (width > 0 && (height < 43.5 || width < 43.5)) found.push(`small: ${one.outerHTML.slice(0, 120)}`);
    }
    const texts = [...one.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.textContent ?? "");
    const text = texts.join(" ").trim();
    if (/\{\w+\}|\bconsents\.[a-z_]+/.test(text)) found.push(`words: ${text}`);
    if (text === "" || !(one instanceof HTMLElement) || one.closest(".quiet")) continue;
    if (one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== "inline") found.push(`overflow: ${text}`);
  }
  const sideways = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  return sideways > 0 ? [...found, `the page is ${sideways} pixels wider than the window`] : found;
}

const setLanguage = (page: Page, lang: string): Promise<void> => element(page).evaluate((one, tag) => one.setAttribute("lang", tag), lang);

for (const state of STATES) {
  test(state.name, async ({ page, scene }) => {
    test.slow();
    await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
    await show(page, scene, state);
    for (const scheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme: scheme });
      // Only colours differ in the dark.
      expect(await violations(page, scheme === "light" ? null : ["color-contrast"]), scheme).toEqual([]);
      if (!SHOTS) continue;
      await mkdir(SHOTS, { recursive: true });
      for (const width of [390, 1280]) {
        await page.setViewportSize({ width, height: 844 });
        await page.screenshot({ path: `${SHOTS}/${state.name.replace(/\W+/g, "_")}.${width}.${scheme}.png`, fullPage: true });
      }
      await page.setViewportSize({ width: 390, height: 844 });
    }
    await page.setViewportSize({ width: 320, height: 568 });
    for (const lang of LANGUAGES) {
      await setLanguage(page, lang);
      await expect(page.locator(`rubrica-consents .page[lang=${lang}]`)).toBeVisible();
      expect(await page.evaluate(untidy), lang).toEqual([]);
    }
  });
}

test("nothing is chosen that the server does not say", async ({ page, scene }) => {
  await open(page);
  const checked = await page.getByRole("radio", { checked: true }).evaluateAll((radios) => radios.map((radio) => (radio as HTMLInputElement).name));
  expect(checked).toEqual(["PROFILE"]);
  await expect(page.getByRole("checkbox", { name: "My usage data" })).toBeChecked();
  // Of a negative wording the tick is the objection.
  await expect(page.getByRole("checkbox", { name: "My data shall not" })).not.toBeChecked();
  // Accepting and not accepting weigh the same.
  for (const names of [
    ["I accept", "I do not accept"],
    ["Accept all", "Accept none"],
  ] as const) {
    const looks = (name: string): Promise<string> => {
      const found = name.startsWith("I ") ? page.locator("label.answer", { hasText: new RegExp(`^\\s*${name}\\s*$`) }).first() : button(page, name);
      return found.evaluate((one) => {
        const { width, height } = one.getBoundingClientRect();
        const { color, backgroundColor, borderTopColor, borderTopWidth, fontWeight, fontSize } = getComputedStyle(one);
        return JSON.stringify({ width, height, color, backgroundColor, borderTopColor, borderTopWidth, fontWeight, fontSize });
      });
    };
    expect(await looks(names[0])).toBe(await looks(names[1]));
  }
  expect(scene.sent("GET")).toHaveLength(1);
});

test("saves what was changed as one capture, under the key it was shown with", async ({ page, scene }) => {
  await open(page);
  const { key } = scene;
  await answer(page, OFFERS, "I accept").check();
  await page.getByRole("checkbox", { name: "My usage data" }).uncheck();
  await page.getByRole("checkbox", { name: "My data shall not" }).check();
  await answer(page, "You may make a profile", "I do not accept").check();
  await answer(page, "You may make a profile", "I accept").check();
  await button(page, "Save").click();
  await expect(page.getByText("Your answers are saved.")).toBeVisible();
  const [capture, ...others] = scene.sent("POST");
  expect(others).toEqual([]);
  expect(capture?.headers).toMatchObject({ "x-key": key, "x-segment": "telco", "accept-language": "en-ES", authorization: `Bearer ${TOKEN}` });
  expect(capture?.url.pathname).toBe("/v2/orgs/acme/customers/self/consents");
  const selections = [
    { id: "OFFERS", choice: 0 },
    { id: "STATISTICS", choice: 2 },
    { id: "PARTNERS", choice: 2 },
  ];
  expect(capture?.body).toMatchObject({ actor_id: "self", ip: IP, sell_channel: "ecare", selections });
  expect(capture?.body?.trace_id).toMatch(/^web-[0-9a-f]{24}$/);
  expect(Math.abs(Date.parse(capture?.body?.capture_date ?? "") - Date.now())).toBeLessThan(60_000);
  const events = await heard(page);
  expect(events.map(({ name }) => name)).toEqual(["ready", "changed"]);
  expect(events[0]).toEqual({ name: "ready", known: true, pending: ["OFFERS", "OFFERS_EMAIL", "OFFERS_PHONE"], lang: "en-ES" });
  expect(events[1]).toEqual({ name: "changed", selections, superseded: [], at: capture?.body?.capture_date });
  // Nothing personal and no secret is told to whoever listens.
  for (const secret of [TOKEN, IP, key]) expect(JSON.stringify(events)).not.toContain(secret);
  await expect(page).toHaveTitle("A tenant");
});

test("sends the attributes that say what and whose", async ({ page, scene }) => {
  const more = { customer: "100000000001", "users-type": "leads", view: "PORTFOLIO, CAMPAIGN", channel: "eshop", trace: "TR-1", lang: "ca" };
  Object.assign(scene.attributes, more);
  await open(page);
  await page.getByRole("radio").first().check();
  await button(page, "Desa").click();
  await expect(page.getByText("Les teves respostes s'han desat.")).toBeVisible();
  const [read] = scene.sent("GET");
  expect(read?.url.pathname).toBe("/v2/orgs/acme/customers/100000000001/consents");
  expect(read?.url.searchParams.getAll("view")).toEqual(["PORTFOLIO", "CAMPAIGN"]);
  expect(read?.url.searchParams.get("users_type")).toBe("leads");
  expect(read?.headers["accept-language"]).toBe("ca, en;q=0.9, en-GB;q=0.8");
  const [capture] = scene.sent("POST");
  expect(capture?.url.search).toBe("?users_type=leads");
  expect(capture?.body).toMatchObject({ sell_channel: "eshop", trace_id: "TR-1" });
});

test("dates a capture by the server's time, whatever the device says", async ({ page, scene }) => {
  const encoded = (claims: object): string => Buffer.from(JSON.stringify(claims)).toString("base64url");
  // The device is two days ahead of the server, which issued the token just now.
  const issued = Math.floor(Date.now() / 1_000) - 2 * 86_400;
  const token = `${encoded({ alg: "HS256" })}.${encoded({ iat: issued, exp: issued + 900 })}.c2ln`;
  scene.tokens.add(token);
  scene.attributes["token"] = token;
  await open(page);
  await answer(page, OFFERS, "I accept").check();
  await button(page, "Save").click();
  await expect(page.getByText("Your answers are saved.")).toBeVisible();
  const sent = Date.parse(scene.sent("POST")[0]?.body?.capture_date ?? "");
  expect(sent - issued * 1_000).toBeGreaterThanOrEqual(0);
  expect(sent - issued * 1_000).toBeLessThan(60_000);
});

/** What is picked and not saved yet, by ids. */
const picked = (page: Page): Promise<string[]> =>
  page.locator("rubrica-consents .state:has(b)").evaluateAll((states) => states.map(({ id }) => id.replace(/^s-/, "")));

test("while it saves nothing is sent again, and what is being sent stays as it is", async ({ page, scene }) => {
  let go = (): void => {};
  scene.plays.set("POST", () => new Promise<null>((done) => (go = () => done(null))));
  await open(page);
  await answer(page, OFFERS, "I accept").check();
  await button(page, "Save").click();
  const saving = button(page, "Saving…");
  await expect(saving).toHaveAttribute("aria-disabled", "true");
  await saving.click({ force: true });
  // Not `check`, which waits until it is.
  await answer(page, OFFERS, "I do not accept").click();
  await page.getByRole("checkbox", { name: "My usage data" }).click();
  await expect(answer(page, OFFERS, "I accept")).toBeChecked();
  await expect(page.getByRole("checkbox", { name: "My usage data" })).toBeChecked();
  await expect.poll(() => scene.sent("POST").length).toBe(1);
  go();
  await expect(page.getByText("Your answers are saved.")).toBeVisible();
  expect(scene.sent("POST").map(({ body }) => body?.selections)).toEqual([[{ id: "OFFERS", choice: 0 }]]);
});

test("a lost answer is read again: what arrived is not sent twice", async ({ page, scene }) => {
  scene.plays.set("POST", (body) => (scene.record(body), "lost"));
  await open(page);
  await answer(page, OFFERS, "I accept").check();
  await button(page, "Save").click();
  await expect(page.getByText("Your answers are saved.")).toBeVisible();
  expect(scene.sent("POST")).toHaveLength(1);
  expect((await heard(page)).map(({ name }) => name)).toEqual(["ready", "changed"]);
});

test("what did not arrive is sent again as it was", async ({ page, scene }) => {
  scene.plays.set("POST", () => "lost");
  await open(page);
  await answer(page, OFFERS, "I accept").check();
  await button(page, "Save").click();
  await expect(page.getByText("Your answers did not arrive.")).toBeVisible();
  await expect(page.getByRole("alert")).toBeFocused();
  expect(await picked(page)).toEqual(["OFFERS"]);
  scene.plays.delete("POST");
  await button(page, "Save").click();
  await expect(page.getByText("Your answers are saved.")).toBeVisible();
  const [one, other, ...more] = scene.sent("POST");
  expect(more).toEqual([]);
  // The server knows a repetition by body and key.
  expect(other?.body).toEqual(one?.body);
  expect(other?.headers["x-key"]).toBe(one?.headers["x-key"]);
});

test("a key that is no longer good: answers to unchanged texts stay, and what changed is said", async ({ page, scene }) => {
  await open(page);
  await answer(page, OFFERS, "I accept").check();
  await answer(page, "Also by e-mail.", "I do not accept").check();
  await page.getByRole("checkbox", { name: "My data shall not" }).check();
  scene.change(() => {
    scene.find("OFFERS").text = "Other words about offers.";
    scene.find("PROFILE").choice = 2;
    delete scene.find("PROFILE").expiration_date;
    scene.statements = scene.statements.filter(({ id }) => id !== "STATISTICS");
  });
  await button(page, "Save").click();
  const alert = page.getByRole("alert");
  await expect(alert).toBeFocused();
  await expect(alert.getByRole("listitem")).toHaveText([
    "The text has changed, answer anew: Other words about offers.",
    "Answered elsewhere meanwhile: You may make a profile of what I use, to recommend what fits.",
    "No longer asked: My usage data improve the service.",
  ]);
  expect(await picked(page)).toEqual(["OFFERS_EMAIL", "PARTNERS"]);
  await expect(group(page, "Other words about offers.").getByRole("radio", { checked: true })).toHaveCount(1);
  await button(page, "Save").click();
  await expect(page.getByText("Your answers are saved.")).toBeVisible();
  expect(scene.sent("POST").map(({ body }) => body?.selections)).toEqual([
    [
      { id: "OFFERS", choice: 0 },
      { id: "OFFERS_EMAIL", choice: 2 },
      { id: "PARTNERS", choice: 2 },
    ],
    [
      { id: "OFFERS_EMAIL", choice: 2 },
      { id: "PARTNERS", choice: 2 },
    ],
  ]);
  expect(scene.sent("POST")[1]?.headers["x-key"]).toBe(scene.key);
});

test("a consent that left the tree is said as a change", async ({ page, scene }) => {
  await open(page);
  await answer(page, OFFERS, "I accept").check();
  await page.getByRole("checkbox", { name: "My usage data" }).uncheck();
  scene.plays.set("POST", (body) => (body?.selections.some(({ id }) => id === "STATISTICS") ? error(404, "MCONS_003") : null));
  scene.statements = scene.statements.filter(({ id }) => id !== "STATISTICS");
  await button(page, "Save").click();
  await expect(page.getByText("No longer asked: My usage data improve the service.")).toBeVisible();
  await button(page, "Save").click();
  await expect(page.getByText("Your answers are saved.")).toBeVisible();
});

/** Brings another token each time that one is asked for. */
const renews = (page: Page, token: string) =>
  page.addInitScript((another) => {
    document.addEventListener("rubrica-consents-token-expiring", (event) => {
      setTimeout(() => (event.target as HTMLElement).setAttribute("token", another), 50);
    });
  }, token);

test("a token that ended asks for another one, and goes on", async ({ page, scene }) => {
  await renews(page, "another-token");
  await open(page);
  scene.tokens = new Set(["another-token"]);
  await answer(page, OFFERS, "I accept").check();
  await button(page, "Save").click();
  await expect(page.getByText("Your answers are saved.")).toBeVisible();
  expect(scene.sent("POST")).toHaveLength(2);
  expect((await heard(page)).map(({ name }) => name)).toEqual(["ready", "token-expiring", "changed"]);
});

test("without another token it says that the session has ended, and keeps the answers", async ({ page, scene }) => {
  test.slow();
  await open(page);
  scene.tokens.clear();
  await answer(page, OFFERS, "I accept").check();
  await button(page, "Save").click();
  await expect(page.getByText("Your session has ended, so nothing was saved.")).toBeVisible({ timeout: 20_000 });
  expect(await picked(page)).toEqual(["OFFERS"]);
  scene.tokens.add("a-late-token");
  await element(page).evaluate((one) => one.setAttribute("token", "a-late-token"));
  await button(page, "Save").click();
  await expect(page.getByText("Your answers are saved.")).toBeVisible();
});

test("a page whose token ended before it was shown comes back with another one", async ({ page, scene }) => {
  test.slow();
  scene.tokens = new Set(["a-late-token"]);
  await page.goto("/a-tenant");
  await expect(page.getByText("Your session has ended. Try again")).toBeVisible({ timeout: 20_000 });
  expect(await heard(page)).toContainEqual({ name: "problem", step: "read", code: "MCONS_002" });
  await element(page).evaluate((one) => one.setAttribute("token", "a-late-token"));
  await expect(page.getByRole("radio").first()).toBeVisible();
});

test("another token is asked for before one ends", async ({ page, scene }) => {
  const encoded = (claims: object): string => Buffer.from(JSON.stringify(claims)).toString("base64url");
  const now = Math.floor(Date.now() / 1_000);
  const token = `${encoded({})}.${encoded({ iat: now, exp: now + 2 })}.c2ln`;
  scene.tokens.add(token);
  scene.attributes["token"] = token;
  await open(page);
  await expect.poll(async () => (await heard(page)).map(({ name }) => name)).toContain("token-expiring");
});

test("an acceptance that ends while the page is open is said", async ({ page, scene }) => {
  const ends = new Date(Math.floor(Date.now() / 1_000) * 1_000 + 2_000).toISOString().replace(".000", "");
  scene.find("PROFILE").expiration_date = ends;
  await open(page);
  await expect(page.getByText(/^\s*You accept until/)).toBeVisible();
  scene.plays.set("GET", () => {
    if (Date.now() >= Date.parse(ends)) {
      scene.find("PROFILE").choice = 1;
      delete scene.find("PROFILE").expiration_date;
    }
    return null;
  });
  await expect(page.getByText(/Your acceptance ended on .* It does not count any more/)).toBeVisible({ timeout: 10_000 });
  await expect(page.getByText("Your acceptance has ended: You may make a profile")).toBeVisible();
});

test("a new language is read anew, with its own key, and the answers stay", async ({ page, scene }) => {
  await open(page);
  await answer(page, OFFERS, "I accept").check();
  scene.change(() => {
    scene.locale = "es_ES";
    scene.find("OFFERS").text = "Acepto recibir ofertas.";
  });
  await setLanguage(page, "es");
  await expect(page.getByText("Acepto recibir ofertas.")).toBeVisible();
  expect(await picked(page)).toEqual(["OFFERS"]);
  await button(page, "Guardar").click();
  await expect(page.getByText("Tus respuestas están guardadas.")).toBeVisible();
  expect(scene.sent("POST")[0]?.headers).toMatchObject({ "x-key": scene.key, "accept-language": "es-ES" });
});

test("texts are text, and only their addresses are links", async ({ page, scene }) => {
  scene.find("OFFERS").text = `See https://acme.example/a_(b), or <a href="javascript:alert(1)">this</a>.`;
  await open(page);
  const links = page.locator("rubrica-consents a");
  await expect(links).toHaveCount(1);
  await expect(links).toHaveAttribute("href", "https://acme.example/a_(b");
  await expect(links).toHaveAttribute("rel", "noopener noreferrer");
  await expect(page.getByText('<a href="javascript:alert(1)">this</a>')).toBeVisible();
});

test("whoever withdraws is not held up by an answer that is needed", async ({ page, scene }) => {
  scene.mandatory = ["OFFERS"];
  scene.attributes["mandatory"] = "MANDATORY";
  await open(page);
  await expect(page.getByText("An answer is needed", { exact: true })).toHaveCount(1);
  await answer(page, "You may make a profile", "I do not accept").check();
  await button(page, "Save").click();
  await expect(page.getByText("Your answers are saved.")).toBeVisible();
  expect(scene.sent("POST")[0]?.body?.selections).toEqual([{ id: "PROFILE", choice: 2 }]);
});

test("all at once, and undone", async ({ page, scene }) => {
  await open(page);
  await button(page, "Accept none").click();
  expect((await picked(page)).sort()).toEqual(["OFFERS", "OFFERS_EMAIL", "OFFERS_PHONE", "PARTNERS", "PROFILE", "STATISTICS"]);
  await button(page, "Undo my changes").click();
  await expect(button(page, "Save")).toBeFocused();
  expect(await picked(page)).toEqual([]);
  await expect(page.getByRole("radio", { checked: true })).toHaveCount(1);
  await button(page, "Accept all").click();
  expect((await picked(page)).sort()).toEqual(["OFFERS", "OFFERS_EMAIL", "OFFERS_PHONE"]);
  expect(scene.sent("POST")).toEqual([]);
});

test("moved in the page it begins anew, and an old connection does no harm", async ({ page, scene }) => {
  await open(page);
  await page.evaluate(() => document.body.append(document.querySelector("rubrica-consents") as Element));
  await answer(page, OFFERS, "I accept").check();
  await button(page, "Save").click();
  await expect(page.getByText("Your answers are saved.")).toBeVisible();
  expect(scene.sent("POST")).toHaveLength(1);
});

test("the page's colours, parts and slots", async ({ page, scene }) => {
  await open(page);
  await element(page).evaluate((one) => {
    one.style.setProperty("--accent", "#7a1f5c");
    const before = document.createElement("p");
    before.slot = "before";
    before.textContent = "before it";
    one.append(before);
    one.setAttribute("scheme", "light");
  });
  await expect(button(page, "Save")).toHaveCSS("background-color", "rgb(122, 31, 92)");
  await expect(page.getByText("before it")).toBeVisible();
  expect(await page.evaluate(() => document.activeElement === document.body), "it takes no focus by itself").toBe(true);
  expect(scene.statements).toEqual(tree());
});

/** Presses Tab until something has the focus, which can then be seen. */
async function tabTo(page: Page, to: Locator): Promise<void> {
  for (let presses = 0; presses < 40; presses++) {
    await page.keyboard.press("Tab");
    if (!(await to.evaluate((one) => (one.getRootNode() as ShadowRoot).activeElement === one))) continue;
    expect(await to.evaluate((one) => getComputedStyle(one).outlineStyle)).not.toBe("none");
    const box = await to.boundingBox();
    expect(box !== null && box.y >= 0 && box.y + box.height <= 569, "what has the focus can be seen").toBe(true);
    return;
  }
  throw new Error("Tab does not get there");
}

test("by keyboard alone, on the narrowest screen", async ({ page, scene }) => {
  await page.setViewportSize({ width: 320, height: 568 });
  await page.emulateMedia({ forcedColors: "active", reducedMotion: "reduce" });
  scene.known = false;
  scene.mandatory = ["OFFERS", "OFFERS_EMAIL"];
  scene.attributes["mandatory"] = "MANDATORY";
  await open(page);
  await tabTo(page, answer(page, OFFERS, "I accept"));
  await page.keyboard.press("ArrowDown");
  await expect(answer(page, OFFERS, "I do not accept")).toBeChecked();
  await tabTo(page, button(page, "Save"));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toBeFocused();
  await tabTo(page, page.getByRole("alert").getByRole("link", { name: "Also by e-mail." }));
  await page.keyboard.press("Enter");
  await expect(answer(page, "Also by e-mail.", "I accept")).toBeFocused();
  await expect(answer(page, "Also by e-mail.", "I accept")).toHaveAccessibleDescription(/Not answered yet/);
  await page.keyboard.press("Space");
  await tabTo(page, page.getByRole("checkbox", { name: "My data shall not" }));
  await page.keyboard.press("Space");
  await tabTo(page, button(page, "Save"));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("status")).toContainText("Your answers are saved.");
  await expect(button(page, "Save")).toBeFocused();
  expect(scene.sent("POST").map(({ body }) => body?.selections)).toEqual([
    [
      { id: "OFFERS", choice: 2 },
      { id: "OFFERS_EMAIL", choice: 0 },
      { id: "PARTNERS", choice: 2 },
    ],
  ]);
});

test("a connection that comes back is used", async ({ page, scene }) => {
  test.slow();
  scene.plays.set("GET", () => "lost");
  await page.goto("/a-tenant");
  await expect(page.getByText("There is no connection.")).toBeVisible({ timeout: 20_000 });
  scene.plays.delete("GET");
  await page.evaluate(() => dispatchEvent(new Event("online")));
  await expect(page.getByRole("radio").first()).toBeVisible();
});

