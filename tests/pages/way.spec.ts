// What a signer's page does on its way: what it sends and when, where it goes on, and what it keeps.

import {
  ACCESS_TOKEN,
  CODE,
  LINK,
  LINK_TOKEN,
  ORG,
  SECRET,
  SHORT,
  button,
  expect,
  heading,
  open,
  test,
  toDocuments,
  toSign,
} from "./scene.js";

test("the secret of the link leaves the address at once, and is kept for the tab alone", async ({ page }) => {
  await open(page);
  expect(new URL(page.url()).href.endsWith(`/s/${ORG}/${SHORT}`)).toBe(true);
  const kept = await page.evaluate(() => ({ good: JSON.stringify(localStorage), tab: JSON.stringify(sessionStorage) }));
  expect(kept.tab).toContain(SECRET);
  expect(kept.good).not.toContain(SECRET);
});

test("opening the link spends nothing: only a press does", async ({ page, scene }) => {
  await open(page);
  expect(scene.calls.map(({ name }) => name).filter((name) => name !== "GET watch")).toEqual(["POST link"]);
  await button(page, "Continue").click();
  await expect(heading(page, "We check that it is you")).toBeVisible();
  expect(scene.calls.map(({ name }) => name).filter((name) => name !== "GET watch")).toEqual(["POST link"]);
});

test("each act is sent once, by the right token and with the device that it comes from", async ({ page, scene }) => {
  await toSign(page);
  await page.getByRole("checkbox").check();
  await button(page, "Sign").dblclick();
  await expect(heading(page, "You have signed")).toBeVisible();
  const token = (name: string): (string | undefined)[] => scene.sent(name).map(({ headers }) => headers["authorization"]);
  expect(token("PUT challenge")).toEqual([`Bearer ${LINK_TOKEN}`]);
  expect(token("PUT validate")).toEqual([`Bearer ${LINK_TOKEN}`]);
  expect(token("POST preview")).toEqual([`Bearer ${ACCESS_TOKEN}`]);
  expect(token("POST sign")).toEqual([`Bearer ${ACCESS_TOKEN}`]);
  for (const name of ["PUT validate", "POST preview", "POST sign"]) {
    const { headers } = scene.sent(name)[0]!;
    expect(headers["x-installation_id"], name).toMatch(/^[\w-]{22}$/);
    expect(headers["x-fingerprint"], name).toMatch(/^390x844x1; en-GB; Europe\/Madrid; touch 0$/);
    expect(headers["cookie"], name).toBeUndefined();
  }
  expect(scene.sent("PUT validate")[0]?.headers["x-resume-hash"]).toMatch(/^[\w-]{43}$/);
  expect(scene.sent("POST sign")[0]?.body).toBeNull();
});

test("nothing that opens the signature is kept beyond the tab", async ({ page }) => {
  await toDocuments(page);
  const names = await page.evaluate(() => Object.keys(localStorage));
  expect(names).toEqual(["rubrica-installation"]);
  const everything = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  for (const secret of [LINK_TOKEN, ACCESS_TOKEN, CODE]) expect(everything).not.toContain(secret);
});

test("the heading has the focus at each step, and the title of the page says it", async ({ page }) => {
  await open(page);
  await expect(page).toHaveTitle("Acme Rentals asks you to sign – Acme Rentals");
  await button(page, "Continue").click();
  await expect(heading(page, "We check that it is you")).toBeFocused();
  await expect(page).toHaveTitle("We check that it is you – Acme Rentals");
  await button(page, "Send the code").click();
  await expect(heading(page, "Type the code")).toBeFocused();
  await button(page, "Check the code").click();
  await expect(page.getByRole("alert")).toBeFocused();
  await expect(page).toHaveTitle("Error: Type the code – Acme Rentals");
  await page.getByRole("link", { name: "Type the code." }).click();
  await expect(page.getByLabel("Code")).toBeFocused();
  await expect(page.getByLabel("Code")).toHaveAccessibleDescription(/^Error: Type the code\./);
  await page.getByLabel("Code").fill(` ${CODE.slice(0, 3)} ${CODE.slice(3)} `);
  await button(page, "Check the code").click();
  await expect(heading(page, "Read the document")).toBeFocused();
  await expect(page).toHaveTitle("Read the document – Acme Rentals");
});

test("the back button goes back, as far as the state allows, and forward again", async ({ page, scene }) => {
  await toSign(page);
  await page.goBack();
  await expect(heading(page, "Read the document")).toBeVisible();
  await page.goForward();
  await expect(heading(page, "Sign")).toBeVisible();
  await page.goBack();
  await page.goBack();
  // The code was answered: there is no way back before it.
  await expect(heading(page, "Read the document")).toBeVisible();
  await page.goBack();
  await page.goBack();
  await expect(heading(page, "Acme Rentals asks you to sign")).toBeVisible();
  await page.goForward();
  await page.goForward();
  await page.goForward();
  await page.goForward();
  await expect(heading(page, "Sign")).toBeVisible();
  await page.getByRole("checkbox").check();
  await button(page, "Sign").click();
  await expect(heading(page, "You have signed")).toBeVisible();
  await page.goBack();
  await page.goBack();
  await expect(heading(page, "You have signed")).toBeVisible();
  expect(scene.sent("POST sign")).toHaveLength(1);
});

test("a reload goes on where it was, without another code", async ({ page, scene }) => {
  await toDocuments(page);
  await page.reload();
  await expect(heading(page, "Read the document")).toBeVisible();
  await expect(page.getByText("3 pages")).toBeVisible();
  await button(page, "I have read the document").click();
  await expect(heading(page, "Sign")).toBeVisible();
  await page.reload();
  await expect(heading(page, "Sign")).toBeVisible();
  expect(scene.sent("PUT challenge")).toHaveLength(1);
  expect(scene.sent("POST access")).toHaveLength(2);
});

test("a reload while a code is awaited asks for the code, not for another one", async ({ page, scene }) => {
  await open(page);
  await button(page, "Continue").click();
  await button(page, "Send the code").click();
  await expect(heading(page, "Type the code")).toBeVisible();
  await page.reload();
  await expect(heading(page, "Type the code")).toBeVisible();
  expect(scene.sent("PUT challenge")).toHaveLength(1);
});

test("a second tab goes on as long as the first one is open", async ({ page, context, scene }) => {
  await toDocuments(page);
  const second = await context.newPage();
  await second.goto(LINK);
  await expect(second.getByText("You have begun already.")).toBeVisible();
  await button(second, "Go on where you were").click();
  await expect(heading(second, "Read the document")).toBeVisible();
  await page.close();
  await second.close();
  const third = await context.newPage();
  await third.goto(LINK);
  await button(third, "Go on where you were").click();
  await expect(heading(third, "We check once more that it is you")).toBeVisible();
  await button(third, "Send the code").click();
  await third.getByLabel("Code").fill(CODE);
  await button(third, "Check the code").click();
  await expect(heading(third, "Read the document")).toBeVisible();
  expect(scene.sent("PUT access/challenge")).toHaveLength(1);
  expect(scene.sent("PUT challenge")).toHaveLength(1);
  // What was proved again can be opened again, too.
  await third.reload();
  await expect(heading(third, "Read the document")).toBeVisible();
});

test("a token of the signature that has ended is had again with the key, and the act is done once", async ({ page, scene }) => {
  await toSign(page);
  let refused = 0;
  scene.plays.set("POST sign", () => (refused++ === 0 ? { status: 401 } : null));
  await page.getByRole("checkbox").check();
  await button(page, "Sign").click();
  await expect(heading(page, "You have signed")).toBeVisible();
  expect(scene.sent("POST sign")).toHaveLength(2);
  expect(scene.sent("POST access")).toHaveLength(1);
});

test("without a key that works the signer proves again who they are", async ({ page, scene }) => {
  await toSign(page);
  scene.resume = null;
  scene.plays.set("POST sign", () => ({ status: 401 }));
  await page.getByRole("checkbox").check();
  await button(page, "Sign").click();
  await expect(heading(page, "We check once more that it is you")).toBeVisible();
  scene.plays.clear();
  await button(page, "Send the code").click();
  await page.getByLabel("Code").fill(CODE);
  await button(page, "Check the code").click();
  await button(page, "I have read the document").click();
  await expect(page.getByRole("checkbox")).toBeChecked();
  await button(page, "Sign").click();
  await expect(heading(page, "You have signed")).toBeVisible();
});

test("a token of the link that has ended is had again with the link", async ({ page, scene }) => {
  await open(page);
  await button(page, "Continue").click();
  let refused = 0;
  scene.plays.set("PUT challenge", () => (refused++ === 0 ? { status: 401 } : null));
  await button(page, "Send the code").click();
  await expect(heading(page, "Type the code")).toBeVisible();
  expect(scene.sent("POST link")).toHaveLength(2);
});

test("what happens elsewhere is shown at once, wherever the signer is", async ({ page, scene }) => {
  await toDocuments(page);
  scene.end("CANCELLED");
  await expect(heading(page, "The signature was cancelled")).toBeFocused();
});

test("others' news do not disturb what is being typed", async ({ page, scene }) => {
  scene.invitation.signer.count = 2;
  scene.invitation.others = { signed: 0, pending: 1 };
  await open(page);
  await button(page, "Continue").click();
  await button(page, "Send the code").click();
  await page.getByLabel("Code").fill("123");
  scene.change((now) => (now.others = { signed: 1, pending: 0 }));
  scene.change(() => (scene.otp.delivery = "DELIVERED"));
  await expect(page.getByText("The message has arrived.")).toBeVisible();
  await expect(page.getByLabel("Code")).toHaveValue("123");
  await expect(page.getByLabel("Code")).toBeFocused();
});

test("a button that cannot be pressed yet says why, and works when it can", async ({ page, scene }) => {
  scene.otp.next_challenge_at = new Date(Date.now() + 4_000).toISOString();
  await open(page);
  await button(page, "Continue").click();
  const send = button(page, "Send the code");
  await expect(send).toHaveAttribute("aria-disabled", "true");
  await expect(send).toHaveAccessibleDescription(/You can ask for another code in \d seconds?\./);
  await send.click({ force: true });
  expect(scene.sent("PUT challenge")).toEqual([]);
  await expect(send).not.toHaveAttribute("aria-disabled", "true");
  await send.click();
  await expect(heading(page, "Type the code")).toBeVisible();
});

test("a document that cannot be shown is downloaded before it is signed", async ({ page, scene }) => {
  scene.draws = () => 422;
  await toDocuments(page);
  await expect(page.getByText("This cannot be shown here.").first()).toBeVisible();
  await button(page, "I have read the document").click();
  await expect(page.getByRole("alert")).toContainText("Download that document");
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download" }).first().click();
  expect((await download).suggestedFilename()).toBe("Rental agreement.pdf");
  await expect(page.getByRole("alert")).toBeHidden();
  await button(page, "I have read the document").click();
  await expect(heading(page, "Sign")).toBeVisible();
});

test("pages of a long document come when they are looked at", async ({ page, scene }) => {
  scene.documents = [{ name: "Statutes.pdf", pages: 60 }];
  await toDocuments(page);
  await expect(page.locator("rubrica-document img").first()).toBeVisible();
  const asked = (): number[] => scene.addresses.flatMap((address) => Number(/\/pages\/(\d+)\/\d+$/.exec(address)?.[1] ?? NaN));
  expect(Math.max(...asked().filter(Number.isFinite))).toBeLessThan(10);
  await page.getByLabel("Go to page").fill("55");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("group", { name: "Page 55 of 60" })).toBeFocused();
  await expect(page.getByRole("group", { name: "Page 55 of 60" }).locator("img")).toBeVisible();
  await expect(page.getByText("Section 55")).toBeAttached();
});

test("zoom makes the pages sharper, and reading as text needs no picture", async ({ page }) => {
  await toDocuments(page);
  const image = page.locator("rubrica-document img").first();
  const source = (): Promise<string> => image.evaluate((element) => (element as HTMLImageElement).currentSrc);
  await expect.poll(source).toMatch(/\/800$/);
  for (let presses = 0; presses < 4; presses++) await button(page, "Larger").click();
  await expect(page.getByText("300%")).toBeVisible();
  await expect.poll(source).toMatch(/\/(1200|2400)$/);
  await expect(button(page, "Larger")).toHaveAttribute("aria-disabled", "true");
  await button(page, "Read as text").click();
  await expect(button(page, "Read as text")).toHaveAttribute("aria-pressed", "true");
  await expect(page.locator("rubrica-document img")).toHaveCount(0);
  await expect(page.getByRole("group", { name: "Page 2 of 3" })).toContainText("Section 2");
});

test("the bar at the bottom stays where there is room for it, and only there", async ({ page }) => {
  await open(page);
  const place = (): Promise<string> => page.locator(".bar").evaluate((bar) => getComputedStyle(bar).position);
  expect(await place()).toBe("sticky");
  await page.setViewportSize({ width: 844, height: 390 });
  expect(await place()).toBe("static");
});

test("the language that is picked stays", async ({ page }) => {
  await open(page);
  await page.getByLabel("Language").selectOption("eu");
  await expect(heading(page, "Acme Rentals erakundeak sinatzeko eskatzen dizu")).toBeVisible();
  await expect(page.locator("html")).toHaveAttribute("lang", "eu");
  await page.reload();
  await expect(heading(page, "Acme Rentals erakundeak sinatzeko eskatzen dizu")).toBeVisible();
});

test("a language that the tenant does not offer is not spoken", async ({ page, scene }) => {
  scene.invitation.landing = { languages: ["es", "gl"], default_language: "gl" };
  scene.invitation.signer.language = "ES";
  await page.goto(LINK);
  await expect(heading(page, "Acme Rentals te pide que firmes")).toBeVisible();
  await expect(page.getByLabel("Idioma").getByRole("option")).toHaveText(["Español", "Galego"]);
});

test("a newer link, opened in the same tab, is taken", async ({ page, scene }) => {
  await page.goto(LINK.replace(SECRET, "x".repeat(22)));
  scene.secrets.add("x".repeat(22));
  await expect(heading(page, "This link is no longer valid")).toBeVisible();
  await page.goto(LINK);
  await expect(heading(page, "Acme Rentals asks you to sign")).toBeVisible();
});

test("the first view is small", async ({ page }) => {
  const sizes: Promise<number>[] = [];
  page.on("requestfinished", (request) => {
    if (/\/(pages\/[^/]+|s\/.*)$/.test(new URL(request.url()).pathname)) {
      sizes.push(request.sizes().then(({ responseBodySize }) => responseBodySize));
    }
  });
  await open(page);
  const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  expect(sizes.length).toBeGreaterThanOrEqual(4);
  expect(total).toBeLessThan(32 * 1024);
});
