// The element in a page of somebody else: attributes, slots, colours, events. The page is played; the script is the server's.

import type { Page } from "@playwright/test";

import { ACCESS_TOKEN, CODE, LINK_TOKEN, ORG, SIGN, button, expect, heading, test, type Scene } from "./scene.js";

const HOST = `<!doctype html><html lang="de"><head><meta charset="utf-8"><title>A shop</title><link rel="icon" href="data:,">
<style>rubrica-sign { --accent: #7a1f5c; --radius: 0; } rubrica-sign::part(card) { border: 5px solid rgb(1, 2, 3); }</style>
<script type="module" src="/pages/sign.js"></script></head>
<body><h1>A shop</h1><rubrica-sign org="${ORG}" sign-id="${SIGN}" token="${LINK_TOKEN}" lang="gl" scheme="light"><p slot="before">before it</p><p slot="after">after it</p></rubrica-sign></body></html>`;

async function host(page: Page): Promise<void> {
  await page.route("**/a-shop", (route) => route.fulfill({ contentType: "text/html", body: HOST }));
  await page.addInitScript(() => {
    const heard: unknown[] = [];
    Object.assign(globalThis, { heard });
    const names = ["ready", "step", "identified", "signed", "declined", "ended", "problem", "token-expiring"];
    for (const name of names) {
      document.addEventListener(`rubrica-${name}`, (event) => heard.push({ name, ...(event as CustomEvent<object>).detail }));
    }
  });
  await page.goto("/a-shop");
}

const heard = (page: Page): Promise<{ name: string; step?: string }[]> =>
  page.evaluate(() => (globalThis as unknown as { heard: { name: string }[] }).heard);

async function through(page: Page, scene: Scene): Promise<void> {
  await button(page, "Continuar").click();
  await button(page, "Enviar o código").click();
  await page.getByLabel("Código").fill(CODE);
  await button(page, "Comprobar o código").click();
  await button(page, "Lin o documento").click();
  await page.getByRole("checkbox").check();
  await button(page, "Asinar").click();
  await expect(heading(page, "Asinaches")).toBeVisible();
  scene.seal();
}

test("tells the page around it what happens, and changes nothing of it", async ({ page, scene }) => {
  await host(page);
  await expect(heading(page, "Acme Rentals pídeche que asines")).toBeVisible();
  await through(page, scene);
  await expect(page.getByRole("link", { name: "Descargar Certificate.pdf" })).toBeVisible();
  const events = await heard(page);
  const steps = events.filter(({ name }) => name === "step").map(({ step }) => step);
  expect(steps).toEqual(["invitation", "code_ask", "code_answer", "read", "sign", "signed"]);
  expect(events.map(({ name }) => name).filter((name) => name !== "step")).toEqual(["ready", "identified", "signed"]);
  // Whoever listens gets no secret.
  for (const secret of [LINK_TOKEN, ACCESS_TOKEN, CODE]) expect(JSON.stringify(events)).not.toContain(secret);
  await expect(page).toHaveTitle("A shop");
  await expect(page.locator("html")).toHaveAttribute("lang", "de");
  expect(await page.evaluate(() => history.length)).toBeLessThanOrEqual(2);
});

test("takes its colours and its surroundings from the page", async ({ page }) => {
  await host(page);
  const go = button(page, "Continuar");
  await expect(go).toHaveCSS("background-color", "rgb(122, 31, 92)");
  await expect(go).toHaveCSS("border-radius", "0px");
  await expect(page.locator(".card")).toHaveCSS("border-top-width", "5px");
  await expect(page.getByText("before it")).toBeVisible();
  await expect(page.getByText("after it")).toBeVisible();
});

test("does not take the focus before somebody does something in it", async ({ page }) => {
  await host(page);
  await expect(heading(page, "Acme Rentals pídeche que asines")).toBeVisible();
  expect(await page.evaluate(() => document.activeElement === document.body)).toBe(true);
});

test("goes on with a token that is set anew", async ({ page, scene }) => {
  await page.addInitScript((token) => {
    document.addEventListener("rubrica-token-expiring", (event) => {
      setTimeout(() => (event.target as HTMLElement).setAttribute("token", token), 100);
    });
  }, `${LINK_TOKEN}-2`);
  let refused = 0;
  scene.plays.set("PUT challenge", (call) => {
    if (call.headers["authorization"] === `Bearer ${LINK_TOKEN}`) return (refused++, { status: 401 });
    scene.sendCode();
    return { status: 204 };
  });
  scene.plays.set("GET invitation", () => ({ status: 200, json: { ...scene.invitation, now: new Date().toISOString() } }));
  await host(page);
  await button(page, "Continuar").click();
  await button(page, "Enviar o código").click();
  await expect(heading(page, "Escribe o código")).toBeVisible();
  expect(refused).toBe(1);
});
