// Bad connections and full servers: nothing is sent twice, nothing is lost, and the page says what happened.

import { CODE, LINK, button, error, expect, heading, later, open, test, toDocuments, toSign } from "./scene.js";

test("a signature whose answer was lost is looked up and not made again", async ({ page, scene }) => {
  await toSign(page);
  scene.plays.set("POST sign", () => {
    scene.sign();
    return "lost";
  });
  await page.getByRole("checkbox").check();
  await button(page, "Sign").click();
  await expect(heading(page, "You have signed")).toBeVisible();
  expect(scene.sent("POST sign")).toHaveLength(1);
});

test("a signature that did not arrive can be tried again", async ({ page, scene }) => {
  await toSign(page);
  scene.plays.set("POST sign", () => "lost");
  await page.getByRole("checkbox").check();
  await button(page, "Sign").click();
  await expect(page.getByRole("alert")).toContainText("There is no connection.");
  expect(scene.sent("POST sign")).toHaveLength(1);
  scene.plays.clear();
  await button(page, "Sign").click();
  await expect(heading(page, "You have signed")).toBeVisible();
});

test("where nothing can be known, that is said", async ({ page, scene }) => {
  await toSign(page);
  scene.plays.set("POST sign", () => "lost");
  scene.plays.set("GET invitation", () => "lost");
  await page.getByRole("checkbox").check();
  await button(page, "Sign").click();
  await expect(page.getByRole("alert")).toContainText("nothing is ever signed twice", { timeout: 15_000 });
  expect(scene.sent("GET invitation").length).toBeGreaterThanOrEqual(4);
});

test("a right code whose answer was lost has opened the signature", async ({ page, scene }) => {
  await open(page);
  await button(page, "Continue").click();
  await button(page, "Send the code").click();
  scene.plays.set("PUT validate", (call) => {
    scene.resume = call.headers["x-resume-hash"] ?? null;
    scene.identify();
    return "lost";
  });
  await page.getByLabel("Code").fill(CODE);
  await button(page, "Check the code").click();
  await expect(heading(page, "Read the document")).toBeVisible();
  expect(scene.sent("PUT validate")).toHaveLength(1);
  expect(scene.sent("POST access")).toHaveLength(1);
});

test("a code that was sent although its answer was lost is asked for", async ({ page, scene }) => {
  await open(page);
  await button(page, "Continue").click();
  scene.plays.set("PUT challenge", () => {
    scene.sendCode();
    return "lost";
  });
  await button(page, "Send the code").click();
  await expect(heading(page, "Type the code")).toBeVisible();
  expect(scene.sent("PUT challenge")).toHaveLength(1);
});

test("a code that was not sent is not waited for", async ({ page, scene }) => {
  await open(page);
  await button(page, "Continue").click();
  scene.plays.set("PUT challenge", () => "lost");
  await button(page, "Send the code").click();
  await expect(page.getByRole("alert")).toContainText("There is no connection.");
  await expect(heading(page, "We check that it is you")).toBeVisible();
});

test("what only reads is tried four times", async ({ page, scene }) => {
  let tries = 0;
  scene.plays.set("GET sign", () => (++tries < 4 ? error(503, "MDOC_000") : null));
  await toDocuments(page);
  await expect(page.getByText("3 pages")).toBeVisible({ timeout: 12_000 });
  expect(tries).toBe(4);
});

test("a server that says when to come back is not asked before", async ({ page, scene }) => {
  scene.plays.set("POST link", () => error(429, "MDOC_005", { "retry-after": "60" }));
  await page.goto(LINK);
  await expect(heading(page, "It does not work just now")).toBeVisible();
  expect(scene.sent("POST link")).toHaveLength(1);
  scene.plays.clear();
  await button(page, "Try again").click();
  await expect(heading(page, "Acme Rentals asks you to sign")).toBeVisible();
});

test("documents that do not come can be tried again", async ({ page, scene }) => {
  scene.plays.set("GET sign", () => error(500, "MDOC_000"));
  await toDocuments(page);
  await expect(page.getByRole("alert")).toContainText("Something failed on the server.");
  scene.plays.clear();
  await button(page, "Try again").click();
  await expect(page.getByText("3 pages")).toBeVisible();
});

test("a page that did not arrive can be tried again", async ({ page, scene }) => {
  scene.draws = () => 0;
  await toDocuments(page);
  await expect(page.getByText("This page did not arrive.").first()).toBeVisible();
  scene.draws = () => 200;
  await button(page, "Try again").first().click();
  await expect(page.locator("rubrica-document img").first()).toBeVisible();
});

test("what changed meanwhile is shown instead of an error", async ({ page, scene }) => {
  await toSign(page);
  scene.plays.set("POST sign", () => {
    scene.end("CANCELLED");
    return error(409, "MDOC_005");
  });
  await page.getByRole("checkbox").check();
  await button(page, "Sign").click();
  await expect(heading(page, "The signature was cancelled")).toBeVisible();
});

test("news that do not come are asked for less and less often", async ({ page, scene }) => {
  await open(page);
  scene.plays.set("GET watch", () => error(500, "MDOC_000"));
  scene.change(() => (scene.otp.next_challenge_at = later(0)));
  await page.waitForTimeout(5_000);
  // After 1, 2 and 4 seconds.
  expect(scene.sent("GET watch").length).toBeLessThanOrEqual(6);
});

test("where too many wait for news, the page looks now and then", async ({ page, scene }) => {
  scene.plays.set("GET watch", () => error(429, "MDOC_005", { "retry-after": "1" }));
  await open(page);
  scene.end("CANCELLED");
  await expect(heading(page, "The signature was cancelled")).toBeVisible();
  expect(scene.sent("GET invitation").length).toBeGreaterThanOrEqual(1);
});

test("a link that lost its fragment is counted", async ({ page, scene }) => {
  await page.goto(LINK.split("#")[0] ?? "");
  await expect(heading(page, "A part of the link is missing")).toBeVisible();
  await expect.poll(() => scene.sent("POST problem").map(({ body }) => (body as { code: string }).code)).toEqual(["FRAGMENT"]);
});

test("a fault of the server is counted, without a word of whom it happened to", async ({ page, scene }) => {
  await toSign(page);
  scene.plays.set("POST sign", () => error(500, "MDOC_000"));
  await page.getByRole("checkbox").check();
  await button(page, "Sign").click();
  await expect(page.getByRole("alert")).toContainText("0193a3ee-7777");
  const [report] = scene.sent("POST problem");
  expect(report?.body).toEqual({ step: "sign", code: "HTTP_500", build: expect.stringMatching(/^[0-9a-f]{12}$/) });
  expect(report?.headers["authorization"]).toBeUndefined();
});

test("a wrong code is no fault that is counted", async ({ page, scene }) => {
  await open(page);
  await button(page, "Continue").click();
  await button(page, "Send the code").click();
  await page.getByLabel("Code").fill("654321");
  await button(page, "Check the code").click();
  await expect(page.getByRole("alert")).toBeVisible();
  expect(scene.sent("POST problem")).toEqual([]);
});
