// Calls to the server. What only reads is tried several times; what changes something is sent once, and whoever sent it reads how it ended
// when the answer did not come. Tokens go in headers, never in an address; no cookie goes along.

import type { Download, Invitation, Pages, SignDetail, SignType, Writing } from "./types.js";

/** How long after a failed try the next one begins, in milliseconds; one more try than there are pauses. */
const PAUSES = [400, 1_200, 3_000];

/** The longest time that a `Retry-After` is waited for without asking anybody, in seconds. */
const MAX_SILENT_WAIT = 10;

/** How long an answer may take, in milliseconds; the server holds a watch for 25 s. */
const PATIENCE = 30_000;
const WATCH_PATIENCE = 40_000;
/** A signature by hand is some ten thousand bytes to be sent, perhaps over a slow line. */
const WRITING_PATIENCE = 120_000;

/** Answers after which a read is tried again. */
const PASSING = new Set([0, 429, 502, 503, 504]);

/** What an answer says is wrong, or that there was none. */
export class Problem extends Error {
  constructor(
    /** 0: no answer came, and what was sent may have arrived. */
    readonly status: number,
    /** The server's code, such as `MDOC_005`. */
    readonly code = "",
    /** For whoever operates the server. */
    readonly requestId = "",
    /** Seconds. */
    readonly retryAfter: number | null = null,
    /** The server's words for whoever made the program; they name what is wrong. */
    readonly details = "",
  ) {
    super(`${status} ${code}`.trim());
  }
}

interface Options {
  bearer?: string;
  /** A form, or what becomes JSON. */
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  patience?: number;
}

const delay = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));

async function problem(answer: Response): Promise<Problem> {
  const seconds = Number(answer.headers.get("retry-after") ?? NaN);
  let [code, details] = ["", ""];
  try {
    const { errors = [] } = (await answer.json()) as { errors?: { code?: unknown; details?: unknown }[] };
    code = String(errors[0]?.code ?? "");
    details = errors.map((error) => String(error.details ?? "")).join("\n");
  } catch {
    // Of something between here and the server, which says it in a page of its own.
  }
  const id = answer.headers.get("x-request-id") ?? "";
  return new Problem(answer.status, code, id, Number.isFinite(seconds) ? Math.max(0, seconds) : null, details);
}

/** Sends a request once. Throws `Problem` for every answer that is no success. */
export async function send(method: string, url: string, options: Options = {}): Promise<Response> {
  const { bearer, body, headers, signal, patience = PATIENCE } = options;
  const form = body instanceof FormData;
  const late = AbortSignal.timeout(patience);
  // `AbortSignal.any` is younger than the browsers that this is for.
  const either = new AbortController();
  const abort = (): void => either.abort();
  for (const one of [late, signal]) {
    if (one?.aborted) abort();
    one?.addEventListener("abort", abort, { once: true });
  }
  let answer: Response;
  try {
    answer = await fetch(url, {
      method,
      headers: {
        ...(bearer ? { authorization: `Bearer ${bearer}` } : {}),
        ...(body === undefined || form ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: form ? body : JSON.stringify(body) }),
      signal: either.signal,
      credentials: "omit",
      referrerPolicy: "no-referrer",
      cache: "no-store",
    });
  } catch {
    throw new Problem(0);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
  if (!answer.ok) throw await problem(answer);
  return answer;
}

/** The body of an answer. One that breaks off is no answer. */
export async function json<T>(answer: Response): Promise<T> {
  try {
    return (await answer.json()) as T;
  } catch {
    throw new Problem(0);
  }
}

/** Runs what changes nothing on the server, in several tries. */
export async function tried<T>(run: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await run();
    } catch (error) {
      const pause = PAUSES[tries];
      const passing = error instanceof Problem && PASSING.has(error.status) && (error.retryAfter ?? 0) <= MAX_SILENT_WAIT;
      if (pause === undefined || !passing || signal?.aborted) throw error;
      // Not all at the same time after an outage.
      await delay(error.retryAfter === null ? pause * (0.7 + 0.6 * Math.random()) : error.retryAfter * 1_000);
    }
  }
}

/** Reads, in several tries. */
export function read<T>(url: string, options: Options = {}): Promise<T> {
  return tried(async () => json<T>(await send("GET", url, options)), options.signal);
}

export interface Linked {
  token: string;
  token_expires_at: string;
  invitation: Invitation;
}

interface Access {
  access_token: string;
}

/** The secret of a link for a token. It changes nothing on the server, so it is tried again as a read is. */
export function exchange(base: string, org: string, sign: string, k: string): Promise<Linked> {
  const url = `${base}/pages/api/${encodeURIComponent(org)}/link`;
  return tried(async () => json<Linked>(await send("POST", url, { body: { sign, k } })));
}

const factor = (value: string | null): { two_factor?: string } => (value === null ? {} : { two_factor: value });

/** The calls for one signature. */
export class Api {
  /** Of the link: reads the invitation and drives the identification. */
  token = "";
  /** Of an identification that succeeded: reads and makes the signature. */
  access = "";
  /** Each type of signature has operations of its own. */
  type: SignType = "SIMPLE";

  constructor(
    /** Address of the server, without a slash at its end. */
    readonly base: string,
    readonly org: string,
    readonly sign: string,
    /** Headers that say which device this is. */
    readonly device: Record<string, string>,
  ) {}

  private own(rest: string): string {
    return `${this.base}/pages/api/${encodeURIComponent(this.org)}/${rest}`;
  }

  contract(rest: string): string {
    return `${this.base}/v1/orgs/${encodeURIComponent(this.org)}/${rest}`;
  }

  private signature(rest = ""): string {
    return this.contract(`${this.type.toLowerCase()}_signs/${this.sign}${rest}`);
  }

  /** A public address as this page reaches it: the server may be known under several names. */
  here(url: string): string {
    const at = url.indexOf("/public/");
    return at < 0 ? new URL(url, `${this.base}/`).href : this.base + url.slice(at);
  }

  invitation(): Promise<Invitation> {
    return read(this.own(`signs/${this.sign}/invitation`), { bearer: this.token });
  }

  /** What is sealed. The link alone does not show it. */
  async downloads(): Promise<Download[]> {
    return (await read<Invitation>(this.own(`signs/${this.sign}/invitation`), { bearer: this.access })).downloads;
  }

  /** The invitation once it is another than that of the revision, `null` when nothing happened for a while. */
  async watch(after: string, signal: AbortSignal): Promise<Invitation | null> {
    const url = this.own(`signs/${this.sign}/watch?after=${encodeURIComponent(after)}`);
    const answer = await send("GET", url, { bearer: this.token, signal, patience: WATCH_PATIENCE });
    return answer.status === 204 ? null : json<Invitation>(answer);
  }

  /** Has a code sent. */
  async challenge(identification: string, secondFactor: string | null): Promise<void> {
    const url = this.contract(`identifications/otp/${identification}/challenge`);
    await send("PUT", url, { bearer: this.token, body: factor(secondFactor) });
  }

  /** Answers a code; afterwards there is `access`. `resume`: what opens it again, hashed. */
  async validate(identification: string, code: string, secondFactor: string | null, resume: string | null): Promise<void> {
    const answer = await send("PUT", this.contract(`identifications/otp/${identification}/validate`), {
      bearer: this.token,
      body: { code, ...factor(secondFactor) },
      headers: { ...this.device, ...(resume === null ? {} : { "x-resume-hash": resume }) },
    });
    this.access = answer.headers.get("x-access-token") ?? "";
  }

  /** Opens the signature again with the key whose hash the server has. */
  async resume(key: string): Promise<void> {
    const answer = await send("POST", this.own(`signs/${this.sign}/access`), { bearer: this.token, body: { resume_key: key } });
    this.access = (await json<Access>(answer)).access_token;
  }

  /** Has a code sent to whoever is identified already. */
  async challengeAgain(secondFactor: string | null): Promise<void> {
    await send("PUT", this.own(`signs/${this.sign}/access/challenge`), { bearer: this.token, body: factor(secondFactor) });
  }

  /** Answers that code. */
  async proveAgain(code: string, secondFactor: string | null, resume: string | null): Promise<void> {
    const body = { code, ...factor(secondFactor), ...(resume === null ? {} : { resume_hash: resume }) };
    const answer = await send("POST", this.own(`signs/${this.sign}/access/code`), { bearer: this.token, body, headers: this.device });
    this.access = (await json<Access>(answer)).access_token;
  }

  detail(): Promise<SignDetail> {
    return read(this.signature(), { bearer: this.access });
  }

  /** The signer saw the documents. */
  async seen(): Promise<void> {
    await send("POST", this.signature("/preview"), { bearer: this.access, headers: this.device });
  }

  /** Signs; by hand where that is asked for. */
  async signs(writing?: Writing): Promise<void> {
    const options = { bearer: this.access, headers: this.device };
    await send("POST", this.signature("/sign"), writing ? { ...options, body: writing, patience: WRITING_PATIENCE } : options);
  }

  async decline(reason: string): Promise<Invitation> {
    return json(await send("POST", this.own(`signs/${this.sign}/decline`), { bearer: this.token, body: { reason }, headers: this.device }));
  }

  /** Has the link sent once more to where it went. Needs no token. */
  async newLink(): Promise<void> {
    await send("POST", this.own("new-link"), { body: { sign: this.sign } });
  }

  /** Counts that something went wrong here; without a word of whom it happened to. */
  report(step: string, code: string): void {
    const body = JSON.stringify({ step, code, build: BUILD });
    const options = { method: "POST", body, headers: { "content-type": "application/json" }, keepalive: true } as const;
    // Nobody waits for it, and there is nothing to do if it is lost.
    void fetch(this.own("problem"), { ...options, credentials: "omit", referrerPolicy: "no-referrer" }).catch(() => {});
  }
}

/** Size and text of pages of a document, from one on. */
export function pages(document: string, from: number, signal: AbortSignal): Promise<Pages> {
  return read(`${document}/pages?from=${from}&count=50`, { signal });
}
