// The console of staff on the real server: every screen keeps the rules for who sees, hears or types it, in light and dark, wide and narrow.

import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import AxeBuilder from "@axe-core/playwright";
import { expect, test as base, type Page } from "@playwright/test";

import { button, heading, watch } from "./scene.js";
import * as server from "./server.js";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** Where pictures go, if they are wanted. */
const SHOTS = process.env["RUBRICA_TEST_SHOTS"];

const ORGANIZATION = "/console/orgs/acme";

const test = base.extend<{ faults: string[] }>({
  faults: [
    async ({ context }, use) => {
      const faults: string[] = [];
      await watch(context, faults, []);
      await use(faults);
      expect(faults, "what no page may do").toEqual([]);
    },
    { auto: true },
  ],
  viewport: { width: 1280, height: 800 },
});

async function signIn(page: Page, roles: string[]): Promise<void> {
  await page.goto("/console/sign-in");
  await expect(heading(page, "Sign in")).toBeVisible();
  for (const box of await page.getByRole("checkbox").all()) {
    await box.setChecked(roles.includes((await box.getAttribute("value")) ?? ""));
  }
  await button(page, "Sign in").click();
}

/** Looks at a page as it is: rules, both schemes, three widths; a picture of each is kept. */
async function keepsTheRules(page: Page, name: string): Promise<void> {
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  for (const scheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
    expect(violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`)), `${name}, ${scheme}`).toEqual([]);
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 844 });
      if (!SHOTS) continue;
      await mkdir(SHOTS, { recursive: true });
      await page.screenshot({ path: `${SHOTS}/console_${name}.${width}.${scheme}.png`, fullPage: true });
    }
    await page.setViewportSize({ width: 1280, height: 800 });
  }
  await page.setViewportSize({ width: 320, height: 568 });
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(sideways, `${name}: wider than the window`).toBe(0);
  const text = await page.locator("body").innerText();
  expect(text, name).not.toMatch(/\{\w+\}|\bconsole\.[a-z_]+/);
  await page.setViewportSize({ width: 1280, height: 800 });
}

test("every screen keeps the rules", async ({ page }) => {
  // More than thirty screens in two schemes and three widths.
  test.setTimeout(600_000);
  const people = [server.address("tenant"), server.address("landlord")];
  const [open, ended, paused] = [await server.start(people), await server.start(people), await server.start(people)];
  await server.cancel(ended);

  await page.goto("/console");
  await expect(heading(page, "Sign in")).toBeVisible();
  await keepsTheRules(page, "sign_in");
  await signIn(page, []);
  await expect(page.getByRole("alert")).toContainText("Tick one of the roles console, agent");
  await keepsTheRules(page, "sign_in_error");
  await signIn(page, ["console", "console_operate"]);
  await expect(heading(page, "Overview")).toBeVisible();
  await keepsTheRules(page, "overview");

  await page.getByRole("link", { name: "Processes", exact: true }).click();
  await expect(heading(page, "Processes")).toBeVisible();
  await keepsTheRules(page, "processes");
  await page.keyboard.press("/");
  await page.keyboard.type("nobody@example.org");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alert")).toContainText("has exactly");
  await keepsTheRules(page, "processes_none");
  await page.getByLabel("Identifier, phone").fill(people[0]?.email.toUpperCase() ?? "");
  await button(page, "Find").click();
  await expect(page.getByText("Processes that have it: 3")).toBeVisible();
  await keepsTheRules(page, "processes_found");

  await page.goto(`${ORGANIZATION}/processes/${open}`);
  await expect(page.getByText("The time limit passes")).toBeVisible();
  await keepsTheRules(page, "process");
  await page.goto(`${ORGANIZATION}/processes/${ended}`);
  await expect(page.getByText("the flat is let to somebody else").first()).toBeVisible();
  await keepsTheRules(page, "process_cancelled");
  await page.goto(`${ORGANIZATION}/processes/${open}/cancel`);
  await keepsTheRules(page, "cancel");

  await page.goto(`${ORGANIZATION}/processes/${paused}`);
  await page.getByRole("link", { name: "Pause" }).click();
  await expect(heading(page, "Pause")).toBeVisible();
  await keepsTheRules(page, "act");
  await page.getByLabel("Reason").fill("   ");
  await button(page, "Pause").click();
  await expect(page.getByRole("alert")).toContainText("Give a reason");
  await keepsTheRules(page, "act_error");
  await page.getByLabel("Reason").fill("a question from the court");
  await button(page, "Pause").click();
  await expect(page.getByText("Done: 1.")).toBeVisible();
  await keepsTheRules(page, "process_paused");
  await page.getByRole("link", { name: "Sendings and steps" }).click();
  await page.getByRole("link", { name: "Paused" }).click();
  await expect(page.getByText(paused)).toBeVisible();
  await keepsTheRules(page, "effects");
  await page.getByRole("link", { name: "Given up" }).click();
  await expect(page.getByText("There is nothing here.")).toBeVisible();
  await keepsTheRules(page, "effects_none");
  await page.goto(`${ORGANIZATION}/effects/all/resume?trouble=paused`);
  await keepsTheRules(page, "act_on_all");

  await page.getByRole("link", { name: "Identifications", exact: true }).click();
  await expect(heading(page, "Identifications")).toBeVisible();
  await keepsTheRules(page, "identifications");
  await page.getByRole("link", { name: "Expired" }).click();
  await expect(page.getByText("There is no such identification here.")).toBeVisible();
  await page.getByRole("textbox").fill("nobody");
  await button(page, "Find").click();
  await expect(page.getByRole("alert")).toContainText("has the identifier");
  await keepsTheRules(page, "identifications_none");
  const chain = await server.chain(server.address("tenant"));
  await page.getByRole("textbox").fill(chain);
  await button(page, "Find").click();
  await expect(heading(page, "Identification chain")).toBeVisible();
  await keepsTheRules(page, "identification_chain");
  await page.getByRole("link", { name: "Begin the chain anew" }).click();
  await page.getByLabel("Reason").fill("the phone was lost");
  await button(page, "Begin the chain anew").click();
  await expect(page.getByText("The chain begins anew.")).toBeVisible();
  await page.getByRole("link", { name: "Step 1: Identification by code" }).click();
  await expect(page.getByText("Codes left")).toBeVisible();
  await keepsTheRules(page, "identification");
  await page.getByRole("link", { name: "Cancel the identification" }).click();
  await expect(page.getByText("It is a step of a chain", { exact: false })).toBeVisible();
  await keepsTheRules(page, "identification_cancel");

  await page.getByRole("link", { name: "Documents", exact: true }).click();
  await expect(heading(page, "Documents")).toBeVisible();
  await keepsTheRules(page, "documents");
  // One of its own: another test deletes one.
  await page.getByRole("textbox").fill(await server.upload());
  await button(page, "Find").click();
  await expect(page.getByRole("img", { name: "First page: lease.pdf" })).toBeVisible();
  await keepsTheRules(page, "document");
  await page.getByRole("link", { name: "Delete the document" }).click();
  await keepsTheRules(page, "document_delete");

  await page.getByRole("link", { name: "Deliveries" }).click();
  await expect(page.getByText("Invitation to", { exact: false }).first()).toBeVisible();
  await keepsTheRules(page, "deliveries");
  await page.getByRole("link", { name: "Failed", exact: true }).click();
  await expect(page.getByText("There is no such message in these processes.")).toBeVisible();
  await keepsTheRules(page, "deliveries_none");
  await page.getByRole("link", { name: "Certificates" }).click();
  await expect(page.getByText("days left", { exact: false }).first()).toBeVisible();
  await keepsTheRules(page, "certificates");
  await page.getByRole("link", { name: "This server" }).click();
  await expect(page.getByText("Nothing is set aside.")).toBeVisible();
  await keepsTheRules(page, "quarantine_none");
  await page.getByRole("link", { name: "Activity" }).click();
  await expect(async () => {
    await page.reload();
    await expect(page.getByRole("heading", { name: "Requests", exact: true })).toBeVisible({ timeout: 500 });
  }).toPass({ timeout: 30_000 });
  await keepsTheRules(page, "metrics");
  await page.getByRole("link", { name: "24 hours" }).click();
  await page.getByText("Requests: the numbers").click();
  await keepsTheRules(page, "metrics_day");
  await page.getByRole("link", { name: "Version and options" }).click();
  await expect(page.getByRole("heading", { name: "Options", exact: true })).toBeVisible();
  await keepsTheRules(page, "facts");
  await page.getByRole("link", { name: "Staff log" }).click();
  await expect(heading(page, "This server")).toBeVisible();
  await keepsTheRules(page, "log");

  await page.goto(`${ORGANIZATION}/processes/0193a3ee-6e51-7176-988f-3c966f5c7a0a`);
  await expect(heading(page, "Not found")).toBeVisible();
  await keepsTheRules(page, "not_found");
});

test("templates are shown, and a page of a test fill as a picture", async ({ page }) => {
  test.setTimeout(180_000);
  const { form, template } = await server.template();
  await signIn(page, ["console"]);
  await page.getByRole("link", { name: "Templates", exact: true }).click();
  await expect(page.getByRole("link", { name: template })).toBeVisible();
  await keepsTheRules(page, "templates");
  await page.getByRole("link", { name: "Dynamic templates" }).click();
  // Beyond what other tests made.
  await page.goto(`${ORGANIZATION}/templates?kind=dynamic&page=9`);
  await expect(page.getByText("There is nothing here.")).toBeVisible();
  await keepsTheRules(page, "templates_none");
  await page.goto(`${ORGANIZATION}/templates/template/${template}`);
  await expect(page.getByText("GDPR:YES")).toBeVisible();
  await keepsTheRules(page, "template");
  await page.goto(`${ORGANIZATION}/templates/form/${form}`);
  await page.getByLabel("Values, as JSON").fill("[]");
  await button(page, "Show the page").click();
  await expect(page.getByRole("alert")).toContainText("must be a JSON object");
  await keepsTheRules(page, "form_error");
  await page.getByLabel("Values, as JSON").fill("{}");
  const shown = page.waitForResponse((response) => response.url().endsWith("/preview"));
  await button(page, "Show the page").click();
  expect((await shown).headers()["content-type"]).toBe("image/png");
});

test("a template in HTML is tried, edited, told of a conflict, and compared", async ({ page, context }) => {
  test.setTimeout(300_000);
  const name = await server.dynamicTemplate();
  await signIn(page, ["console", "console_admin"]);
  const own = `${ORGANIZATION}/templates/dynamic/${name}`;
  await page.goto(own);
  await keepsTheRules(page, "dynamic");
  await page.getByLabel("Data, as JSON").fill('{"NAME": 7}');
  await button(page, "Show the page").click();
  await expect(page.getByRole("alert")).toContainText("fields_values/NAME");
  await keepsTheRules(page, "dynamic_error");
  await page.getByLabel("Data, as JSON").fill('{"NAME": "Ana", "PRICE": 12}');
  const saved = page.waitForEvent("download");
  await button(page, "Download the PDF").click();
  expect((await saved).suggestedFilename()).toBe(`${name}.pdf`);

  await page.getByRole("link", { name: "New version" }).click();
  await expect(heading(page, "New version")).toBeVisible();
  await page.getByText("Editor, engine, description, labels").click();
  await keepsTheRules(page, "dynamic_edit");
  const other = await context.newPage();
  await other.goto(`${own}/edit`);
  const text = await page.getByLabel("Template, es").inputValue();
  await other.getByLabel("Template, es").fill(text.replace("Line 7 of", "Theirs, line 7 of"));
  await other.getByLabel("Reason").fill("a typo");
  await button(other, "Save as a minor version").click();
  await expect(other.getByRole("status")).toContainText("Version 1.1 is saved.");
  await other.close();

  const mine = text.replace("Line 9 of", "Mine, line 9 of");
  await page.getByLabel("Template, es").fill(mine);
  await page.getByLabel("Reason").fill("another typo");
  await button(page, "Save as a minor version").click();
  await expect(page.getByRole("alert")).toContainText("Version 1.1 is there by now");
  await expect(page.getByLabel("Template, es")).toHaveValue(mine);
  await expect(page.getByLabel("Reason")).toHaveValue("another typo");
  await expect(page.getByRole("table")).toContainText("Theirs, line 7 of");
  await keepsTheRules(page, "dynamic_conflict");
  await page.getByLabel("JSON Schema of its data").fill("{");
  await button(page, "Save as a major version").click();
  await expect(page.getByRole("alert")).toContainText("not valid JSON");
  await keepsTheRules(page, "dynamic_edit_error");
  await page.getByLabel("JSON Schema of its data").fill('{"type": "object", "properties": {"NAME": {"type": "string"}, "PRICE": {}}}');
  await button(page, "Save as a major version").click();
  await expect(page.getByRole("status")).toContainText("Version 2.0 is saved.");

  await page.getByRole("link", { name: "Versions side by side" }).click();
  await expect(heading(page, "Versions side by side")).toBeVisible();
  await expect(page.getByRole("table").first()).toContainText("Mine, line 9 of");
  await keepsTheRules(page, "dynamic_compare");
  await page.getByLabel("First").selectOption("1.0");
  await page.getByLabel("Second").selectOption("1.1");
  await button(page, "Compare").click();
  await expect(page.getByRole("table")).toContainText("Theirs, line 7 of");
});

test("documents are listed by what made them, and processes by their type", async ({ page }) => {
  test.setTimeout(300_000);
  const person = server.address("tenant");
  await server.start([person]);
  await signIn(page, ["console"]);
  await page.goto(`${ORGANIZATION}/documents`);
  await page.getByRole("link", { name: "Sealed, certificates" }).click();
  await keepsTheRules(page, "documents_made");
  await page.getByRole("link", { name: "Filled" }).click();
  await keepsTheRules(page, "documents_filled");
  await page.goto(`${ORGANIZATION}/processes`);
  await page.getByLabel("Type").selectOption("SIMPLE");
  await button(page, "Filter").click();
  await expect(page).toHaveURL(/type=SIMPLE/);
  await keepsTheRules(page, "processes_type");
  await page.goto(`${ORGANIZATION}/certificates`);
  await expect(page.getByRole("columnheader", { name: "Last seal" })).toBeVisible();
  await keepsTheRules(page, "certificates_sealed");
});

test("consents are shown as customers see them, and one customer's are exported and deleted", async ({ page }) => {
  test.setTimeout(300_000);
  const { customer, segment } = await server.consents();
  await signIn(page, ["console", "console_operate", "consents_delete"]);
  await page.getByRole("link", { name: "Consents", exact: true }).click();
  await expect(page.getByRole("link", { name: "OFFERS", exact: true })).toBeVisible();
  await keepsTheRules(page, "consents");
  await page.getByRole("link", { name: "OFFERS", exact: true }).click();
  await page.getByText("New texts: en").click();
  await keepsTheRules(page, "consent");
  await page.goto(`${ORGANIZATION}/consents`);
  await page.getByRole("link", { name: "Trees" }).click();
  await page.getByRole("link", { name: `${segment}, customers` }).click();
  await page.getByRole("link", { name: "en", exact: true }).click();
  await expect(page.getByRole("heading", { name: "By phone, too" })).toBeVisible();
  await keepsTheRules(page, "consent_trees");

  await page.getByRole("link", { name: "Customer", exact: true }).click();
  await keepsTheRules(page, "consent_customers");
  await page.getByLabel("Identifier of the customer").fill(customer.slice(0, 20));
  await page.getByLabel("Segment").selectOption(segment);
  await button(page, "Find").click();
  await expect(page.getByRole("alert")).toContainText("exactly this identifier");
  await keepsTheRules(page, "consent_customers_none");
  await page.getByLabel("Identifier of the customer").fill(customer);
  await button(page, "Find").click();
  await expect(heading(page, `Customer ${customer}`)).toBeVisible();
  expect(page.url()).not.toContain(customer);
  await page.getByText("Choices captured").first().click();
  await keepsTheRules(page, "consent_customer");
  await page.getByRole("link", { name: "What was shown" }).first().click();
  await expect(page.getByText("its digest is the one that was recorded")).toBeVisible();
  await keepsTheRules(page, "consent_display");
  await page.goBack();
  await page.getByText("Choices captured").first().click();
  await page.getByRole("link", { name: "Receipt" }).first().click();
  await expect(heading(page, "No receipt can be issued")).toBeVisible();
  await page.getByRole("link", { name: "Back" }).click();

  await page.getByRole("link", { name: "Export" }).click();
  await keepsTheRules(page, "consent_export");
  await page.getByLabel("Reason").fill("   ");
  await button(page, "Export").click();
  await expect(page.getByRole("alert")).toContainText("Give a reason");
  await keepsTheRules(page, "consent_export_error");
  await page.getByLabel("Reason").fill("the customer asked for it");
  const file = page.waitForEvent("download");
  await button(page, "Export").click();
  expect((await file).suggestedFilename()).toBe("consents-export.json");
  await page.getByRole("link", { name: "Back" }).click();

  await page.getByRole("link", { name: "Delete the consents" }).click();
  await page.getByLabel("Reason").fill("asked for by the customer");
  await page.getByLabel("Identifier", { exact: true }).fill(segment);
  await button(page, "Delete the consents").click();
  await expect(page.getByRole("alert")).toContainText("This is not its identifier.");
  await keepsTheRules(page, "consent_delete_error");
  await page.getByLabel("Identifier", { exact: true }).fill(customer);
  await button(page, "Delete the consents").click();
  await expect(page.getByText("in this segment are deleted.")).toBeVisible();
  await page.getByText("All choices deleted").click();
  await expect(page.getByText("asked for by the customer")).toBeVisible();
  await keepsTheRules(page, "consent_customer_deleted");
});

test("a document is deleted for good by who types its identifier", async ({ page }) => {
  test.setTimeout(120_000);
  const id = await server.upload();
  await signIn(page, ["console", "console_operate", "console_admin"]);
  await page.goto(`${ORGANIZATION}/documents/${id}`);
  await page.getByRole("link", { name: "Delete physically" }).click();
  await page.getByLabel("Reason").fill("asked for by the tenant");
  await page.getByLabel("Identifier").fill("lease.pdf");
  await button(page, "Delete physically").click();
  await expect(page.getByRole("alert")).toContainText("This is not its identifier.");
  await keepsTheRules(page, "document_remove_error");
  await page.getByLabel("Identifier").fill(id);
  await button(page, "Delete physically").click();
  await expect(page.getByText("The document is physically deleted.")).toBeVisible();
  await expect(page.getByText("removed: asked for by the tenant")).toBeVisible();
  await keepsTheRules(page, "document_removed");
});

test("signers' pages are shown as they look, and what is wrong with a change is said", async ({ page }) => {
  test.setTimeout(120_000);
  await signIn(page, ["console", "console_operate", "console_admin"]);
  await page.getByRole("link", { name: "Signers' pages" }).click();
  await expect(heading(page, "Signers' pages")).toBeVisible();
  await keepsTheRules(page, "settings");
  // Nothing is saved: other tests have pages, too.
  await page.getByLabel("Pages that may have the signature in them").fill("https://shop.example.org/path");
  await page.getByLabel("Colour of buttons and links").fill("#ffff00");
  await button(page, "Save").click();
  await expect(page.getByRole("alert")).toContainText("4.5:1");
  await expect(page.getByLabel("Colour of buttons and links")).toHaveValue("#ffff00");
  await keepsTheRules(page, "settings_error");
});

test("a configuration shows what is wrong with a key file, and what messages say", async ({ page }) => {
  test.setTimeout(180_000);
  await signIn(page, ["console", "console_operate", "console_admin"]);
  await page.getByRole("link", { name: "Signers' pages" }).click();
  await page.getByRole("link", { name: "Signing and seal" }).click();
  await expect(heading(page, "Signing and seal")).toBeVisible();
  await expect(page.getByText("It can be used to seal.")).toBeVisible();
  await keepsTheRules(page, "signing");
  // Nothing is saved: other tests sign here, too.
  const file = join(__dirname, "../../documents/fixtures/rsa2048-rc2-40.p12");
  await page.getByLabel("PKCS#12 file of the certificate (.p12, .pfx)").setInputFiles(file);
  await page.getByLabel("Password of the file").fill("password");
  await button(page, "Check the file").click();
  await expect(page.getByText("Nothing is stored yet.")).toBeVisible();
  await expect(page.getByText("RC2 with 40 bits").first()).toBeVisible();
  await expect(page.getByLabel("Password of the file")).toHaveValue("");
  await keepsTheRules(page, "signing_checked");
  await page.getByLabel("PKCS#12 file of the certificate (.p12, .pfx)").setInputFiles(file);
  await page.getByLabel("Password of the file").fill("another");
  await page.getByLabel("Time limit of a process").fill("P1Y");
  await button(page, "Save").click();
  await expect(page.getByText("The password does not open the file.")).toBeVisible();
  await expect(page.getByLabel("Time limit of a process")).toHaveValue("P1Y");
  await keepsTheRules(page, "signing_refused");
  await page.getByRole("link", { name: "Messages", exact: true }).first().click();
  await expect(heading(page, "Messages")).toBeVisible();
  await page.getByRole("link", { name: "English" }).click();
  await expect(page.getByText("It expires in 10 min").first()).toBeVisible();
  await keepsTheRules(page, "messages");
});

test("a signed file is looked at, and what is said of it is downloaded", async ({ page }) => {
  test.setTimeout(180_000);
  await signIn(page, ["console"]);
  await page.getByRole("link", { name: "Verify", exact: true }).click();
  await expect(heading(page, "Verify a signed file")).toBeVisible();
  await keepsTheRules(page, "verification");
  await button(page, "Verify").click();
  await expect(page.getByRole("alert")).toContainText("Choose a file.");
  const fixture = (name: string): string => join(__dirname, "../../documents/fixtures", name);
  await page.getByLabel("Signed file (PDF)").setInputFiles(fixture("root.pem"));
  await button(page, "Verify").click();
  await expect(page.getByRole("alert")).toContainText("the file is not a PDF");
  await keepsTheRules(page, "verification_refused");
  for (const name of ["others-time-stamp.pdf", "others-pss-sha512.pdf"]) {
    await page.getByLabel("Signed file (PDF)").setInputFiles(fixture(name));
    await button(page, "Verify").click();
    await expect(page.getByText("Every signature is intact.")).toBeVisible();
    await expect(page.getByText("who signed is not proven", { exact: false })).toBeVisible();
    await keepsTheRules(page, `verification_${name.replace(".pdf", "").replaceAll("-", "_")}`);
  }
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download the report (JSON)" }).click();
  const file = await download;
  expect(file.suggestedFilename()).toBe("verification.json");
  const report: unknown = JSON.parse(await readFile(await file.path(), "utf8"));
  expect(report).toMatchObject({ report: { signatures: [{ judgement: "intact" }, { judgement: "intact" }] }, trustsOwn: true });
});

test("a process is found and cancelled by keyboard alone", async ({ page }) => {
  const tenant = server.address("tenant");
  const id = await server.start([tenant]);
  await signIn(page, ["console", "console_operate"]);
  await page.goto(`${ORGANIZATION}/processes`);
  await page.keyboard.press("/");
  await page.keyboard.type(tenant.email);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(new RegExp(`/processes/${id}$`));
  const reach = async (name: string | RegExp): Promise<void> => {
    for (let pressed = 0; pressed < 60; pressed++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate((words) => new RegExp(words).test(document.activeElement?.textContent ?? ""), String(name))) return;
    }
    throw new Error(`no way to ${name}`);
  };
  await reach("^Cancel the process");
  await page.keyboard.press("Enter");
  await expect(heading(page, "Cancel the process?")).toBeVisible();
  await page.getByLabel("Reason").focus();
  await page.keyboard.type("the flat is let");
  await reach("^Cancel for good");
  await page.keyboard.press("Enter");
  await expect(page.getByText("The process is cancelled.")).toBeVisible();
  expect((await server.read(id)).status).toBe("CANCELLED");
});

test("who looks at a process sees news without a reload", async ({ page }) => {
  const tenant = server.address("tenant");
  const id = await server.start([tenant]);
  await signIn(page, ["console"]);
  await page.goto(`${ORGANIZATION}/processes/${id}`);
  await expect(page.getByText("Invitation to tenant", { exact: false }).first()).toBeVisible();
  await server.cancel(id);
  await expect(page.getByText("Cancelled by the organization: the flat is let to somebody else")).toBeVisible({ timeout: 15_000 });
});

test("without script all of it works but news", async ({ browser }) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  const id = await server.start([server.address("tenant")]);
  await signIn(page, ["console", "console_operate"]);
  await page.goto(`${ORGANIZATION}/processes/${id}/cancel`);
  await page.getByLabel("Reason").fill("the flat is let");
  await button(page, "Cancel for good").click();
  await expect(page.getByText("The process is cancelled.")).toBeVisible();
  await context.close();
});
