// A signer's page on the real server, and the API behind it played by the test: so that every state can be shown, also those that take
// days or an outage. What the page sends is kept, and what must never happen is watched for in every test.

import { createHash } from "node:crypto";

import { expect, test as base, type BrowserContext, type Page, type Route } from "@playwright/test";

import type { Download, Invitation } from "../../pages/web/types.js";
import * as drawing from "./drawing.js";

export const ORG = "acme";
export const SIGN = "0193a3ee-6e51-7176-988f-3c966f5c7a0a";
/** The letters of that identifier in a link. */
export const SHORT = "AZOj7m5RcXaYjzyWb1x6Cg";
export const SECRET = "kkkkkkkkkkkkkkkkkkkkkk";
export const LINK_TOKEN = "link-token-of-this-test";
export const ACCESS_TOKEN = "access-token-of-this-test";
export const CODE = "123456";
export const LINK = `/s/${ORG}/${SHORT}#k=${SECRET}`;

const MINUTE = 60_000;
export const later = (minutes: number): string => new Date(Date.now() + minutes * MINUTE).toISOString();

/** What the server would answer. */
export interface Answer {
  status: number;
  json?: unknown;
  headers?: Record<string, string>;
}

export const error = (status: number, code: string, headers: Record<string, string> = {}, details = "words of the server"): Answer => ({
  status,
  json: { errors: [{ code, title: "TITLE", ref: "https://example.org", details }] },
  headers: { "x-request-id": "0193a3ee-7777", ...headers },
});

/** One call of the page: method and what follows the signature or organization in its path. */
export interface Call {
  name: string;
  body: unknown;
  headers: Record<string, string>;
  /** Which type of signature it is for, where the path says it. */
  type: string | null;
}

/** An answer for a call; `lost` breaks the connection, after the play did what the server would have done; `held` never answers. */
export type Play = (call: Call) => Answer | "lost" | "held" | null;

export function invitation(): Invitation {
  return {
    revision: "1",
    now: new Date().toISOString(),
    sign_id: SIGN,
    sign_process_id: "0193a3ee-0000-7000-8000-000000000001",
    tenant: { name: "Acme Rentals", contact_email: "help@acme.example", contact_phone: "+34 910 000 000", privacy_url: null, logo: null, accent: null },
    signer: { name: "Ana López", position: 1, count: 1, language: "EN" },
    sign_type: "SIMPLE",
    until: later(3 * 24 * 60),
    process_status: "CREATED",
    status: "CREATED",
    ended: null,
    signed_at: null,
    previewed_at: null,
    others: { signed: 0, pending: 0 },
    documents: [{ id: "d1", name: "Rental agreement.pdf", preview_only: false, size: 184_000, pages: 3 }],
    identification: {
      type: "OTP",
      id: "0193a3ee-0000-7000-8000-000000000002",
      status: "CREATED",
      otp: {
        channel: "SMS",
        destination: "***222",
        second_factor: null,
        challenges_left: 3,
        validations_left: null,
        next_challenge_at: null,
        code_expires_at: null,
        digits: 6,
        delivery: null,
        delivered_at: null,
        external: false,
        needs_contact_check: false,
      },
      desk_code: null,
      document: null,
    },
    sealed: false,
    downloads: [],
    landing: { languages: ["es", "en", "ca", "eu", "gl", "de"], default_language: "es" },
  };
}

const SEALED: Download[] = [
  { kind: "DOCUMENT", id: "s1", name: "Rental agreement.pdf", url: "https://sign.example.org/public/sealed-1" },
  { kind: "CERTIFICATE", id: "s2", name: "Certificate.pdf", url: "https://sign.example.org/public/sealed-2" },
];

export class Scene {
  invitation = invitation();
  /** Name and pages of each document to read, those to read only first. */
  previews: { name: string; pages: number }[] = [];
  documents = [{ name: "Rental agreement.pdf", pages: 3 }];
  /** State of the text of a page, and whether it can be drawn. */
  textOf: (page: number) => "complete" | "none" | "partial" = () => "complete";
  draws: (page: number) => number = () => 200;
  readonly calls: Call[] = [];
  /** Ways to answer that come before the usual one, by the call's name. */
  readonly plays = new Map<string, Play>();
  /** What becomes of the pictures that are sent next. */
  finds: { passed: boolean; fail_reason: string | null; failed_checks: string[] } = { passed: true, fail_reason: null, failed_checks: [] };
  /** SHA-256 of the key that opens the signature again. */
  resume: string | null = null;
  /** Words that no address may have, and their pages' addresses. */
  readonly secrets = new Set([SECRET, LINK_TOKEN, ACCESS_TOKEN, CODE]);
  readonly addresses: string[] = [];
  readonly faults: string[] = [];
  private watchers: (() => void)[] = [];
  private revision = 1;

  constructor(readonly context: BrowserContext) {}

  get otp(): NonNullable<Invitation["identification"]["otp"]> {
    const { otp } = this.invitation.identification;
    if (!otp) throw new Error("no identification by code in this scene");
    return otp;
  }

  get check(): NonNullable<Invitation["identification"]["document"]> {
    const { document } = this.invitation.identification;
    if (!document) throw new Error("no identification by document in this scene");
    return document;
  }

  /** The signer is identified by an identity document of this class. */
  byDocument(document_type = "NIF"): void {
    Object.assign(this.invitation.identification, {
      type: "IDENTITY_DOCUMENT",
      otp: null,
      document: {
        scoring_id: "0193a3ee-0000-7000-8000-000000000003",
        document_type,
        takes_pictures: true,
        provider: "INTERNAL",
        picture_limit: 10_485_760,
        attempts_left: 5,
        under_way_until: null,
        paused_until: null,
        last: null,
      },
    });
  }

  /** An agent identifies the signer. */
  byAgent(): void {
    Object.assign(this.invitation.identification, { type: "AGENT", otp: null, desk_code: "4R7KM2" });
  }

  /** The pictures were looked at. */
  score(): void {
    this.change(() => {
      const { attempts_left, last } = this.check;
      const number = (last?.number ?? 0) + 1;
      Object.assign(this.check, { attempts_left: attempts_left - 1, under_way_until: null, last: { number, ...this.finds } });
    });
  }

  /** Changes what the server knows; whoever waits for news hears of it. */
  change(run: (invitation: Invitation) => void): void {
    run(this.invitation);
    this.invitation.revision = String(++this.revision);
    this.watchers.splice(0).forEach((tell) => tell());
  }

  /** The code has been sent. */
  sendCode(): void {
    this.change(() => {
      Object.assign(this.otp, {
        challenges_left: this.otp.challenges_left - 1,
        validations_left: 3,
        code_expires_at: later(10),
        next_challenge_at: later(0),
      });
    });
  }

  identify(): void {
    this.change(({ identification }) => (identification.status = "VALIDATED"));
  }

  sign(): void {
    this.change((now) => {
      now.signed_at = new Date().toISOString();
      now.status = "SIGNED";
      now.process_status = now.others.pending ? "CREATED" : "SIGNED";
      now.identification.status = "SUCCEEDED";
    });
  }

  seal(): void {
    this.change((now) => Object.assign(now, { status: "CERTIFIED", process_status: "CERTIFIED", sealed: true }));
  }

  end(why: "DECLINED" | "CANCELLED" | "EXPIRED" | "FAILED", by_you = false, reason: string | null = null): void {
    this.change((now) => {
      now.ended = { why, at: new Date().toISOString(), by_you, reason };
      now.process_status = why === "DECLINED" ? "CANCELLED" : why;
    });
  }

  sent(name: string): Call[] {
    return this.calls.filter((call) => call.name === name);
  }

  private body(call: Call): Answer | "lost" | "held" | "watch" {
    // Each type of signature has operations of its own.
    if (call.type !== null && call.type !== this.invitation.sign_type.toLowerCase()) return error(404, "MDOC_003");
    const played = this.plays.get(call.name)?.(call);
    if (played) return played;
    const bearer = call.headers["authorization"]?.replace("Bearer ", "");
    const link = bearer === LINK_TOKEN;
    const access = bearer === ACCESS_TOKEN;
    const refused = error(401, "MDOC_002");
    const body = (call.body ?? {}) as Record<string, string | undefined>;
    const told = (full: boolean): Answer => {
      const now = { ...this.invitation, now: new Date().toISOString(), downloads: full && this.invitation.sealed ? SEALED : [] };
      return { status: 200, json: now };
    };
    const opened: Answer = { status: 200, json: { access_token: ACCESS_TOKEN, expires_at: later(30) } };
    switch (call.name) {
      case "POST link":
        if (body["k"] !== SECRET || body["sign"] !== SIGN) return error(404, "MDOC_003");
        return { status: 200, json: { token: LINK_TOKEN, token_expires_at: later(60), invitation: told(false).json } };
      case "GET invitation":
        return link || access ? told(access) : refused;
      case "GET watch":
        return link || access ? "watch" : refused;
      case "POST decline":
        if (!link) return refused;
        this.end("DECLINED", true, body["reason"] ?? null);
        return told(false);
      case "PUT challenge":
      case "PUT access/challenge":
        if (!link) return refused;
        this.sendCode();
        return { status: 204 };
      case "PUT validate":
        if (!link) return refused;
        if (body["code"] !== CODE) return this.wrong();
        this.resume = call.headers["x-resume-hash"] ?? null;
        this.identify();
        return { status: 204, headers: { "x-access-token": ACCESS_TOKEN } };
      case "PUT score":
        if (!link) return refused;
        this.score();
        return { status: 204 };
      case "POST document":
        if (!link) return refused;
        if (!this.check.last?.passed) return error(409, "MDOC_005");
        this.resume = call.headers["x-resume-hash"] ?? null;
        this.identify();
        return { status: 204, headers: { "x-access-token": ACCESS_TOKEN } };
      case "POST access/code":
        if (!link) return refused;
        if (body["code"] !== CODE) return this.wrong();
        this.resume = body["resume_hash"] ?? null;
        return opened;
      case "POST access": {
        const digest = createHash("sha256").update(Buffer.from(body["resume_key"] ?? "", "base64url")).digest("base64url");
        this.secrets.add(body["resume_key"] ?? "no key");
        return link && digest === this.resume ? opened : refused;
      }
      case "GET sign": {
        if (!access) return refused;
        const named = (list: { name: string }[], kind: string): unknown =>
          list.map(({ name }, at) => ({ name, url: `https://sign.example.org/public/${kind}-${at}` }));
        return { status: 200, json: { preview_documents: named(this.previews, "preview"), signable_documents: named(this.documents, "own") } };
      }
      case "POST preview":
        if (!access) return refused;
        this.change((now) => (now.previewed_at = new Date().toISOString()));
        return { status: 204 };
      case "POST sign":
        if (!access) return refused;
        // By hand there is something in it.
        if ((call.body === null) !== (call.type === "simple")) return error(400, "MDOC_001");
        this.sign();
        return { status: 204 };
      case "POST new-link":
        return { status: 202, json: {} };
      case "POST problem":
        return { status: 204 };
      default:
        throw new Error(`the page calls what there is not: ${call.name}`);
    }
  }

  private wrong(): Answer {
    this.change(() => (this.otp.validations_left = Math.max(0, (this.otp.validations_left ?? 3) - 1)));
    return error(403, "MDOC_002");
  }

  private async answer(route: Route, name: string): Promise<void> {
    const request = route.request();
    const type = /\/(simple|biometric)_signs\//.exec(request.url())?.[1] ?? null;
    const isForm = (await request.headerValue("content-type"))?.startsWith("multipart/") === true;
    // What is in a form is none of this play's business: pictures are looked at where they are made.
    const call: Call = { name, body: isForm ? null : (request.postDataJSON() as unknown), headers: await request.allHeaders(), type };
    this.calls.push(call);
    const answer = this.body(call);
    if (answer === "lost") return route.abort("connectionreset");
    if (answer === "held") return;
    if (answer === "watch") {
      const after = new URL(request.url()).searchParams.get("after");
      if (after === this.invitation.revision) await new Promise<void>((go) => this.watchers.push(go));
      const now = { ...this.invitation, now: new Date().toISOString(), downloads: [] };
      return route.fulfill({ status: 200, json: now });
    }
    const { status, json, headers } = answer;
    await route.fulfill({ status, headers: { "x-request-id": "0193a3ee-0001", ...headers }, ...(json === undefined ? {} : { json }) });
  }

  private async document(route: Route): Promise<void> {
    const { pathname, searchParams } = new URL(route.request().url());
    const [, kind = "", at = "0", page, width] = /\/public\/(\w+)-(\d+)(?:\/pages(?:\/(\d+)\/(\d+))?)?$/.exec(pathname) ?? [];
    const total = (kind === "preview" ? this.previews : this.documents)[Number(at)]?.pages ?? 1;
    if (page !== undefined) {
      const status = this.draws(Number(page));
      if (status === 0) return route.abort("connectionreset");
      if (status !== 200) return route.fulfill({ status, json: error(status, "MDOC_006").json });
      return route.fulfill({ status: 200, contentType: "image/png", body: drawing.png(Number(page) % 5, Number(width)) });
    }
    if (pathname.endsWith("/pages")) {
      const from = Number(searchParams.get("from"));
      const pages = Array.from({ length: Math.min(50, total - from) }, (_, n) => drawing.page(from + n, this.textOf(from + n)));
      return route.fulfill({ status: 200, json: { total, from, pages } });
    }
    await route.fulfill({ status: 200, contentType: "application/pdf", body: "%PDF-1.7" });
  }

  /** Stands between every page of the browser and the server. */
  async install(): Promise<void> {
    const own = `/pages/api/${ORG}/`;
    const known: [RegExp, string][] = [
      [new RegExp(`^${own}(link|new-link|problem)$`), "$1"],
      [new RegExp(`^${own}signs/${SIGN}/(.+)$`), "$1"],
      [new RegExp(`^/v1/orgs/${ORG}/identifications/otp/[0-9a-f-]+/(challenge|validate)$`), "$1"],
      [new RegExp(`^/v1/orgs/${ORG}/scorings/identity_document/[0-9a-f-]+/score$`), "score"],
      [new RegExp(`^/v1/orgs/${ORG}/identifications/identity_document/[0-9a-f-]+/validate$`), "document"],
      [new RegExp(`^/v1/orgs/${ORG}/(?:simple|biometric)_signs/${SIGN}$`), "sign"],
      [new RegExp(`^/v1/orgs/${ORG}/(?:simple|biometric)_signs/${SIGN}/(preview|sign)$`), "$1"],
    ];
    await this.context.route(/\/(pages\/api|v1)\//, async (route) => {
      const { pathname } = new URL(route.request().url());
      const found = known.find(([path]) => path.test(pathname));
      const name = found ? pathname.replace(...found) : pathname;
      try {
        await this.answer(route, `${route.request().method()} ${name}`);
      } catch (failure) {
        // A page that was closed meanwhile wants no answer any more.
        if (!/closed|ended|already handled/i.test(String(failure))) this.faults.push(String(failure));
      }
    });
    await this.context.route(/\/public\//, (route) => this.document(route).catch(() => {}));
  }
}

/** What no page may do, in any test: errors in its console, breaches of its policy, secrets in an address. */
export async function watch(context: BrowserContext, faults: string[], addresses: string[]): Promise<void> {
  context.on("weberror", (failure) => faults.push(`script: ${failure.error().message}`));
  context.on("console", (message) => {
    // The browser writes refusals down by itself; those are the tests' own.
    if (["error", "warning"].includes(message.type()) && !/Failed to load resource/.test(message.text())) {
      faults.push(`console: ${message.text()}`);
    }
  });
  context.on("request", (request) => addresses.push(request.url()));
  context.on("page", (page) => page.on("framenavigated", (frame) => addresses.push(frame.url())));
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
    });
  });
}

export const test = base.extend<{ scene: Scene }>({
  scene: async ({ context }, use) => {
    const scene = new Scene(context);
    await watch(context, scene.faults, scene.addresses);
    await scene.install();
    await use(scene);
    expect(scene.faults, "what no page may do").toEqual([]);
    // The first address is the link itself, whose fragment no server sees.
    const told = scene.addresses.filter((address) => [...scene.secrets].some((secret) => address.split("#")[0]?.includes(secret)));
    expect(told, "secrets in addresses").toEqual([]);
  },
  page: async ({ scene, page }, use) => {
    // Only for its order: what the scene plays is there before the page.
    expect(scene.calls).toEqual([]);
    await use(page);
  },
});

export { expect };

/** The heading of the step. */
export const heading = (page: Page, name: string | RegExp) => page.getByRole("heading", { level: 1, name });
export const button = (page: Page, name: string | RegExp) => page.getByRole("button", { name, exact: true });

/** Opens the link. */
export async function open(page: Page): Promise<void> {
  await page.goto(LINK);
  await expect(heading(page, /.+/)).toBeVisible();
}

/** From the link to the documents, as a person does it. */
export async function toDocuments(page: Page): Promise<void> {
  await open(page);
  await button(page, /^(Continue|Go on)/).click();
  await button(page, "Send the code").click();
  await page.getByLabel("Code").fill(CODE);
  await button(page, "Check the code").click();
  await expect(heading(page, /^Read the document/)).toBeVisible();
}

export async function toSign(page: Page): Promise<void> {
  await toDocuments(page);
  await button(page, /^I have read/).click();
  await expect(heading(page, "Sign")).toBeVisible();
}
