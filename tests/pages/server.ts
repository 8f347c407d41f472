// The real server as an integrator's own sees it: documents, sign processes, the sandbox's messages and its clock.

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { expect, test, type Page } from "@playwright/test";

export const BASE = process.env["RUBRICA_TEST_SERVER"] ?? "";
export const TOKEN = process.env["RUBRICA_TEST_TOKEN"] ?? "";
const ORGANIZATION = `${BASE}/v1/orgs/acme`;

/** The program, for what the holder of an escrow certificate does without a server. */
const PROGRAM = process.env["RUBRICA_TEST_PROGRAM"] ?? "";

/** A folder that is removed with the server. */
const FOLDER = process.env["RUBRICA_TEST_FOLDER"] ?? "";

/** How long something may take that the server does by itself, in milliseconds. */
const PATIENCE = 20_000;

async function call<T>(method: string, url: string, body?: unknown, more: Record<string, string> = {}): Promise<T> {
  const form = body instanceof FormData;
  const answer = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${TOKEN}`, ...(body === undefined || form ? {} : { "content-type": "application/json" }), ...more },
    ...(body === undefined ? {} : { body: form ? body : JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text}`);
  return (text === "" ? null : JSON.parse(text)) as T;
}

/** A PDF of so many pages, with a line of text on each. */
export function pdf(pages: number): Blob {
  const objects = ["<< /Type /Catalog /Pages 2 0 R >>", "", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"];
  const kids: string[] = [];
  for (let page = 1; page <= pages; page++) {
    const text = `BT /F1 18 Tf 60 760 Td (Rental agreement, page ${page}) Tj 0 -40 Td (The rent is paid within seven days.) Tj ET`;
    objects.push(`<< /Length ${text.length} >>\nstream\n${text}\nendstream`);
    kids.push(`${objects.length + 1} 0 R`);
    objects.push(
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents ${objects.length} 0 R /Resources << /Font << /F1 3 0 R >> >> >>`,
    );
  }
  objects[1] = `<< /Type /Pages /Kids [${kids.join(" ")}] /Count ${pages} >>`;
  return written(objects);
}

/** A form of one page with a field for a name. */
function form(): Blob {
  return written([
    "<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [5 0 R] /DA (/Helv 12 Tf 0 g) /DR << /Font << /Helv 4 0 R >> >> >> >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Annots [5 0 R] /Resources << /Font << /Helv 4 0 R >> >> >>",
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    "<< /Type /Annot /Subtype /Widget /FT /Tx /T (NAME) /Rect [60 700 360 724] /F 4 /P 3 0 R /DA (/Helv 12 Tf 0 g) >>",
  ]);
}

/** The file of these objects. */
function written(objects: string[]): Blob {
  let file = "%PDF-1.7\n";
  const places = objects.map((object, at) => {
    const place = file.length;
    file += `${at + 1} 0 obj\n${object}\nendobj\n`;
    return place;
  });
  const table = file.length;
  const rows = places.map((place) => `${String(place).padStart(10, "0")} 00000 n \n`).join("");
  file += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${rows}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${table}\n%%EOF\n`;
  return new Blob([file], { type: "application/pdf" });
}

/** Links of this server go into the messages from now on. */
export async function useOwnPages(): Promise<void> {
  const form = new FormData();
  form.set("landing_url", "pages");
  await call("PATCH", `${ORGANIZATION}/sign_process/configurations`, form);
}

/** How the pages of signers look from now on, and in whose they stand. */
export async function configurePages(configuration: Record<string, unknown>): Promise<void> {
  await call("PUT", `${BASE}/pages/api/acme/configuration`, configuration);
}

/** Who can read what was drawn: a certificate, and its key, in files. */
export interface Holder {
  certificate: string;
  key: string;
}

const run = promisify(execFile);

/** There while a test has set who holds what is drawn: it is set for all of the organization, and tests run beside each other. */
const HELD = join(FOLDER, "holder.lock");

/** How long a test waits for another one to be done with it, in milliseconds. */
const HOLDER_PATIENCE = 90_000;

let holds = false;

/** A holder to whom everything that is drawn is encrypted until {@link release}, and how good that must be at least. */
export async function holder(gate: Record<string, number> = {}): Promise<Holder> {
  test.info().setTimeout(test.info().timeout + HOLDER_PATIENCE);
  await expect(async () => void (await mkdir(HELD))).toPass({ timeout: HOLDER_PATIENCE });
  holds = true;
  const folder = await mkdtemp(join(FOLDER, "escrow-"));
  const [certificate, key] = [join(folder, "certificate.pem"), join(folder, "key.pem")];
  await run(PROGRAM, ["escrow", "new", "--certificate", certificate, "--key", key]);
  const form = new FormData();
  form.set("biometric_policy", JSON.stringify({ escrow_certificates: [await readFile(certificate, "utf8")], gate }));
  await call("PATCH", `${ORGANIZATION}/sign_process/configurations`, form);
  return { certificate, key };
}

/** Ends what {@link holder} began, if it did: for after each test. */
export async function release(): Promise<void> {
  if (holds) await rm(HELD, { recursive: true });
  holds = false;
}

/** What the holder finds in a signed document: each sample as it was sent. */
export async function samples(document: Buffer, { certificate, key }: Holder): Promise<string[]> {
  const folder = await mkdtemp(join(FOLDER, "signed-"));
  const [file, output] = [join(folder, "signed.pdf"), join(folder, "opened")];
  await writeFile(file, document);
  await run(PROGRAM, ["escrow", "open", file, "--certificate", certificate, "--key", key, "--output", output]);
  const names = (await readdir(output)).sort();
  return Promise.all(names.map((name) => readFile(join(output, name, "sample.json"), "utf8")));
}

export interface Signer {
  alias: string;
  email: string;
}

/** An address that no other test uses. */
export const address = (name: string): Signer => ({ alias: name, email: `${name}.${crypto.randomUUID()}@example.org` });

interface Process {
  status: string;
  signatures: { identification: { id: string } }[];
}

/** Whose identity document the signers have, where they are identified by one or by an agent. */
const IDENTITY = { document_number: "12345678Z", document_type: "NIF", country: "ES" };

/** A document of three pages. */
export async function upload(): Promise<string> {
  const form = new FormData();
  form.set("name", "lease.pdf");
  form.set("extension", "pdf");
  form.set("content", pdf(3), "lease.pdf");
  const { documentId } = await call<{ documentId: string }>("POST", `${ORGANIZATION}/documents`, form);
  return documentId;
}

/** A process with such a document. */
export async function start(
  signers: Signer[],
  type: "SIMPLE" | "BIOMETRIC" = "SIMPLE",
  identification: "OTP" | "AGENT" | "IDENTITY_DOCUMENT" = "OTP",
): Promise<string> {
  const documentId = await upload();
  const { id } = await call<{ id: string }>("POST", `${ORGANIZATION}/sign_process`, {
    signers: signers.map(({ alias, email }) => ({
      ...{ alias, name: "Ana", last_name: "López", email, language: "EN" },
      ...(identification === "OTP" ? {} : { identity_document: IDENTITY }),
    })),
    sign: { type, documents: [{ id: documentId }] },
    identification: { type: identification },
  });
  return id;
}

/** A chain of a code and an agent. */
export async function chain(person: Signer): Promise<string> {
  const identity_document = { document_number: "12345678Z", document_type: "NIF" };
  const { id } = await call<{ id: string }>("POST", `${ORGANIZATION}/identifications/chain`, {
    actor: { name: "Ana", last_name: "López", email: person.email, language: "EN", identity_document },
    expires_in: "PT1H",
    sequence: [{ identification_type: "OTP", otp_step: { channel: { type: "EMAIL" } } }, { identification_type: "AGENT" }],
  });
  return id;
}

/** A template of one section with one form, under names of their own. */
export async function template(): Promise<{ form: string; template: string }> {
  const name = (of: string): string => `${of}_${crypto.randomUUID().replaceAll("-", "")}`;
  const file = new FormData();
  file.set("name", name("form"));
  file.set("extension", "pdf");
  file.set("content", form(), "form.pdf");
  const made = await call<{ externalId: string }>("POST", `${ORGANIZATION}/templates/forms`, file);
  const forms = [{ language: "ES", formExternalId: made.externalId }];
  const section = await call<{ externalId: string }>("POST", `${ORGANIZATION}/templates/sections`, { sectionName: name("section"), forms });
  const { externalId } = await call<{ externalId: string }>("POST", `${ORGANIZATION}/templates`, {
    templateName: name("contract"),
    defaultLanguage: "ES",
    orderedSectionNames: [section.externalId],
    rules: [{ sectionExternalId: section.externalId, condition: "GDPR:YES" }],
  });
  return { form: made.externalId, template: externalId };
}

/** A template in HTML, version 1.0, under a name of its own. */
export async function dynamicTemplate(): Promise<string> {
  const name = `bill_${crypto.randomUUID().replaceAll("-", "")}`;
  const lines = Array.from({ length: 30 }, (_, number) => `<p>Line ${String(number)} of the bill</p>`).join("\n");
  const structure = {
    type: "object",
    required: ["NAME"],
    additionalProperties: false,
    properties: { NAME: { type: "string" }, PRICE: { type: "number" } },
  };
  const source = { language: "ES", template_part_name: "es.hbs", editor_config_part_name: "es.json", structure, engine_version: "3.12" };
  const metadata = { external_id: name, description: "A bill", default_language: "ES", tags: ["bill"], sources: [source] };
  const form = new FormData();
  form.set("metadata", JSON.stringify(metadata));
  form.set("es", new Blob([`<html>\n<body>\n${lines}\n<p>{{NAME}}: {{PRICE}}</p>\n</body>\n</html>\n`]), "es.hbs");
  form.set("config", new Blob(["{}"]), "es.json");
  await call("POST", `${ORGANIZATION}/dynamic_templates`, form);
  return name;
}

/** A tree of consents of a segment of its own, and a customer who accepted, lapsed into another mind and was shown it all. */
export async function consents(): Promise<{ customer: string; segment: string }> {
  const api = `${BASE}/v2/orgs/acme`;
  const [customer, segment] = [`C-${crypto.randomUUID()}`, `retail-${crypto.randomUUID().slice(0, 8)}`];
  const consent = (id: string, type: string, es: string, en: string, more: Record<string, unknown> = {}): Promise<unknown> =>
    call("POST", `${api}/consents`, {
      id,
      type,
      consent: [
        { language: "es", text: es, description: "Puede cambiarlo cuando quiera.", short_text: es.slice(0, 24) },
        { language: "en", text: en, description: "You can change it whenever you like.", short_text: en.slice(0, 24) },
      ],
      ...more,
    });
  await consent("OFFERS", "OPT_IN", "Quiero recibir ofertas de la empresa", "I want to receive offers of the company");
  await consent("OFFERS_PHONE", "OPT_IN", "También por teléfono", "By phone, too", { expiration_policy: { duration: "P180D" } });
  await consent("PARTNERS", "OPT_OUT_POSITIVE", "Mis datos pueden cederse a empresas del grupo", "My data may go to companies of the group");
  await call("PATCH", `${api}/consents/OFFERS`, {
    consent: [{ language: "en", text: "I want to receive offers of the company and of its shops", description: "", short_text: "Offers" }],
    changes_description: "the shops have offers of their own",
  });
  const head = { "x-segment": segment };
  const tree = {
    description: "Customers of the shops",
    default_language: "es",
    allowed_languages: ["es", "en"],
    consents_order: ["OFFERS", "OFFERS_PHONE", "PARTNERS"],
    priority_consent_ids: ["OFFERS"],
    views: [{ view: "CAMPAIGN", consents: ["OFFERS"] }],
    dependencies: [{ father: "OFFERS", child: ["OFFERS_PHONE"] }],
    channels: ["web", "shop"],
    users_type: "customers",
  };
  await call("POST", `${api}/consents/tree`, tree, head);
  const own = `${api}/customers/${customer}/consents`;
  for (const selections of [
    [{ id: "OFFERS", choice: 0 }, { id: "OFFERS_PHONE", choice: 0 }],
    [{ id: "OFFERS_PHONE", choice: 2 }, { id: "PARTNERS", choice: 2 }],
  ]) {
    const shown = await fetch(own, { headers: { authorization: `Bearer ${TOKEN}`, ...head } });
    const body = {
      actor_id: "AG000123",
      selections,
      ip: "203.0.113.10",
      sell_channel: "eshop",
      trace_id: "TR-0001",
      capture_date: new Date().toISOString(),
    };
    await call("POST", own, body, { ...head, "x-key": shown.headers.get("x-key") ?? "" });
  }
  return { customer, segment };
}

export const read = (id: string): Promise<Process> => call("GET", `${ORGANIZATION}/sign_process/${id}`);

export const cancel = (id: string): Promise<null> =>
  call("POST", `${ORGANIZATION}/sign_process/${id}/cancel`, { reason: "the flat is let to somebody else" });

/** An agent of the shop vouches for the only signer of a process. */
export async function vouch(id: string): Promise<void> {
  const { signatures } = await call<{ signatures: { identification: { id: string } }[] }>("GET", `${ORGANIZATION}/sign_process/${id}`);
  const url = `${ORGANIZATION}/identifications/agent/${signatures[0]?.identification.id}/validate`;
  const device = { "x-installation_id": "desk-1", "x-fingerprint": "a desk", "user-agent": "desk" };
  await call("POST", url, { agent: "eva" }, device);
}

/** Moves process time. */
export const advance = (duration: string): Promise<unknown> => call("POST", `${BASE}/sandbox/clock`, { advance: duration });

async function texts(to: string): Promise<string[]> {
  const messages = await call<{ text: string }[]>("GET", `${BASE}/sandbox/messages?to=${encodeURIComponent(to)}`);
  return messages.map(({ text }) => text);
}

async function newest(to: string, pattern: RegExp, beyond: number): Promise<string> {
  let found: string[] = [];
  await expect
    .poll(
      async () => {
        found = (await texts(to)).flatMap((text) => pattern.exec(text)?.[0] ?? []);
        return found.length;
      },
      { timeout: PATIENCE, message: `a message to ${to}` },
    )
    .toBeGreaterThan(beyond);
  return found[0] ?? "";
}

/** The newest link that was sent to somebody, once there are more than so many. */
export const link = (to: string, beyond = 0): Promise<string> => newest(to, /https?:\/\/\S+\/s\/acme\/[\w-]{22}#k=[\w-]{22}/, beyond);

/** The newest code that was sent to somebody, once there are more than so many. */
export const code = (to: string, beyond = 0): Promise<string> => newest(to, /^\d{6,12}$/m, beyond);

/** Waits for a status of the process. */
export async function until(id: string, status: string): Promise<void> {
  await expect.poll(async () => (await read(id)).status, { timeout: PATIENCE }).toBe(status);
}

/** The file that a link of the page leads to. */
export async function file(page: Page, name: string | RegExp): Promise<Buffer> {
  const download = page.waitForEvent("download");
  await page.getByRole("link", { name }).first().click();
  const parts: Buffer[] = [];
  for await (const part of await (await download).createReadStream()) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
