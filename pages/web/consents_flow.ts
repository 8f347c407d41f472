// What a customer is shown and answers: read, answered, saved as one capture with the key of what was shown, read again. It knows no DOM.

import { Problem } from "./api.js";
import { PENDING, tagOf, type Choice, type ConsentsApi, type Display, type Selection, type Sending, type Statement } from "./consents_api.js";
import { MAX_TIMER, times } from "./lifetime.js";
import type { Key, Values } from "./words.js";

/** How long another token is waited for, in milliseconds. */
const TOKEN_PATIENCE = 15_000;

/** The server's code of a key that no longer stands for what holds now. */
const KEY_REFUSED = "MCONS_011";

/** Why there is nothing to answer. */
export type Fault = "session" | "refused" | "missing" | "offline" | "busy" | "server" | "setup";

export type Step = "loading" | "form" | "fault";

/** What became of a statement since it was shown. */
export interface Change {
  what: "added" | "gone" | "reworded" | "answered" | "ended";
  text: string;
}

/** Something to tell the customer. */
export interface Note {
  key: Key;
  values?: Values;
  /** Whether something went wrong. */
  bad: boolean;
  /** Statements that it is about. */
  ids?: string[];
  changes?: Change[];
  /** For whoever operates the server. */
  requestId?: string;
}

/** The element around a flow. */
export interface ConsentsHost {
  changed(): void;
  /** Tells whoever uses the page. */
  emit(name: string, detail?: Record<string, unknown>): void;
}

/** What the page around says of the capture. */
export interface Evidence {
  /** Address of the customer, as the tenant's server sees it: no browser knows its own. */
  ip: string;
  /** Contract `SellChannel`. */
  channel: string;
  /** Reference for tracing; by default a new one for each capture. */
  trace: string;
}

/** All statements, each before those that depend on it. */
export function flat(statements: readonly Statement[]): Statement[] {
  return statements.flatMap((one) => [one, ...flat(one.child_statements)]);
}

/** The server's time, as well as a token tells it. Never ahead of it, so that no choice is dated after one that comes later. */
class ServerClock {
  /** Server's time less that of this page's own clock, which nobody sets. */
  private offset: number | null = null;

  hear(token: string): void {
    const said = times(token);
    if (said) this.offset = Math.max(this.offset ?? -Infinity, said.issued - performance.now());
  }

  now(): number {
    return this.offset === null ? Date.now() : Math.ceil(performance.now() + this.offset);
  }
}

/** What a problem with reading means. */
function faultOf({ status, code }: Problem): Fault {
  if (status === 0) return "offline";
  if (status === 401) return "session";
  if (status === 403) return "refused";
  if (status === 404) return "missing";
  if (status === 429 || status === 503) return "busy";
  return status === 400 || code === "NO_KEY" ? "setup" : "server";
}

const sameText = (one: Statement, other: Statement): boolean => one.text === other.text && one.description === other.description;

const same = (one: readonly Selection[], other: readonly Selection[]): boolean => JSON.stringify(one) === JSON.stringify(other);

export class ConsentsFlow {
  step: Step = "loading";
  fault: Fault = "server";
  /** For whoever operates the server. */
  faultId = "";
  display: Display | null = null;
  note: Note | null = null;
  saving = false;
  /** Answers that are not saved yet, where they differ from what is. */
  readonly picked = new Map<string, Choice>();
  /** When answers were saved, in milliseconds of Unix time, of those that were since the page was opened. */
  readonly saved = new Map<string, number>();
  /** When acceptances ended, of those that did since the page was opened. */
  readonly lapsed = new Map<string, string>();
  /** Statements to which the tenant needs an answer, whichever it is. */
  needed: ReadonlySet<string> = new Set();
  private lang = "";
  private open = true;
  private readonly clock = new ServerClock();
  /** What was sent without an answer. */
  private unsure: Sending | null = null;
  private waiting: ((given: boolean) => void)[] = [];
  /** The newest read: what an older one brings is too late. */
  private reading = 0;
  private ending: ReturnType<typeof setTimeout> | undefined;
  /** Ends of acceptances after which it was read. */
  private readonly passed = new Set<string>();

  constructor(
    private readonly api: ConsentsApi,
    private readonly host: ConsentsHost,
    /** View of the tree whose statements are `needed`. */
    private readonly mandatory: string,
  ) {}

  close(): void {
    this.open = false;
    this.reading++;
    clearTimeout(this.ending);
    this.waiting.splice(0).forEach((go) => go(false));
  }

  get token(): string {
    return this.api.token;
  }

  // From the page around

  /** A token: the first one, or another one in its place. */
  take(token: string): void {
    this.clock.hear(token);
    this.api.token = token;
    this.waiting.splice(0).forEach((go) => go(true));
    if (this.step === "fault" && this.fault === "session") this.retry();
  }

  /** The page lacks something without which nothing can be saved. */
  lacks(what: string): void {
    this.fail("setup", what.toUpperCase());
  }

  /** The language that is wanted; what is shown is read again in it. */
  speak(lang: string): void {
    if (lang === this.lang) return;
    this.lang = lang;
    if (this.step !== "fault") void this.load();
  }

  /** There is a connection again. */
  online(): void {
    if (this.step === "fault" && this.fault === "offline") this.retry();
  }

  retry(): void {
    this.step = "loading";
    this.host.changed();
    void this.load();
  }

  // From the customer

  /** The answer that is picked or saved. */
  choice = ({ id, choice }: Statement): Choice => this.picked.get(id) ?? choice;

  pick(one: Statement, choice: Choice): void {
    if (one.read_only) return;
    // What is being sent is what is seen: the browser's own tick is taken back.
    if (this.saving) return this.host.changed();
    if (choice === one.choice) this.picked.delete(one.id);
    else this.picked.set(one.id, choice);
    this.saved.delete(one.id);
    if (this.note && !this.note.changes) this.note = null;
    this.host.changed();
  }

  /** The same answer to all that can be answered. */
  pickAll(choice: Choice): void {
    this.statements.forEach((one) => this.pick(one, choice));
  }

  discard(): void {
    this.picked.clear();
    this.note = null;
    this.host.changed();
  }

  /** What can be answered, each before those that depend on it. */
  get statements(): Statement[] {
    return flat(this.display?.statements ?? []).filter((one) => !one.read_only);
  }

  /** Whether an answer is needed and there is none. */
  isMissing = (one: Statement): boolean => this.needed.has(one.id) && !one.read_only && this.choice(one) === PENDING;

  /** Saves what was picked, as one capture. */
  async save(evidence: Evidence): Promise<void> {
    const { display } = this;
    if (this.saving || !display || this.step !== "form") return;
    const selections = this.statements.flatMap(({ id }) => {
      const choice = this.picked.get(id);
      return choice === undefined ? [] : [{ id, choice }];
    });
    // Whoever withdraws is not held up by a question that has nothing to do with it.
    const missing = display.known ? [] : this.statements.filter(this.isMissing).map(({ id }) => id);
    if (missing.length) return this.tell({ key: "consents.missing", bad: true, ids: missing });
    if (!selections.length) return this.tell({ key: "consents.nothing", bad: false });
    const again = this.unsure && same(this.unsure.capture.selections, selections) ? this.unsure : null;
    const sending: Sending = again ?? {
      key: display.key,
      lang: tagOf(display.locale),
      capture: {
        actor_id: "self",
        selections,
        ip: evidence.ip,
        sell_channel: evidence.channel,
        trace_id: evidence.trace || `web-${trace()}`,
        capture_date: new Date(this.clock.now()).toISOString(),
      },
    };
    this.saving = true;
    this.note = null;
    this.host.changed();
    try {
      const { superseded = [] } = await this.withToken(() => this.api.capture(sending));
      if (this.open) this.recorded(sending, superseded);
    } catch (error) {
      if (this.open) await this.notRecorded(asProblem(error), sending);
    } finally {
      this.saving = false;
      if (this.open) this.host.changed();
    }
  }

  // Inside

  private tell(note: Note): void {
    this.note = note;
    this.host.changed();
  }

  private fail(fault: Fault, code: string, requestId = ""): void {
    this.step = "fault";
    this.fault = fault;
    this.faultId = requestId;
    this.host.emit("rubrica-consents-problem", { step: "read", code });
    this.host.changed();
  }

  /** Does something with the token, and once more with another one if that has ended. */
  private async withToken<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof Problem && error.status === 401 && error.code !== KEY_REFUSED)) throw error;
      const another = new Promise<boolean>((go) => {
        this.waiting.push(go);
        setTimeout(() => {
          this.waiting = this.waiting.filter((one) => one !== go);
          go(false);
        }, TOKEN_PATIENCE);
      });
      this.host.emit("rubrica-consents-token-expiring");
      if (!(await another)) throw error;
      return run();
    }
  }

  /** Reads what is to be shown; `null` if another read has begun meanwhile. */
  private async read(): Promise<Display | null> {
    const mine = ++this.reading;
    const { lang } = this;
    const display = await this.withToken(() => this.api.read(lang));
    return mine === this.reading ? display : null;
  }

  /** Shows what there is in the language that is wanted. */
  private async load(): Promise<void> {
    const begins = this.display === null;
    try {
      const display = await this.read();
      if (!display) return;
      if (begins && this.mandatory) await this.need();
      if (!this.open) return;
      this.show(display, true);
      if (begins) {
        const pending = this.statements.filter(({ choice }) => choice === PENDING).map(({ id }) => id);
        this.host.emit("rubrica-consents-ready", { known: display.known, pending, lang: tagOf(display.locale) });
      }
    } catch (error) {
      if (!this.open) return;
      const problem = asProblem(error);
      const fault = faultOf(problem);
      if (!this.display || this.step !== "form") return this.fail(fault, codeOf(problem), problem.requestId);
      // What is shown stays: only its language is not the one wanted.
      this.host.emit("rubrica-consents-problem", { step: "read", code: codeOf(problem) });
      this.tell({ key: `consents.fault_${fault}`, bad: true, requestId: problem.requestId });
    }
  }

  /** Reads to what an answer is needed. Without that, none is. */
  private async need(): Promise<void> {
    try {
      const { statements } = await this.withToken(() => this.api.read(this.lang, [this.mandatory]));
      const needed = flat(statements).filter((one) => !one.read_only);
      this.needed = new Set(needed.map(({ id }) => id));
    } catch (error) {
      this.host.emit("rubrica-consents-problem", { step: "read", code: codeOf(asProblem(error)) });
    }
  }

  /**
   * Shows what was read, and returns what changed. Answers that are not saved yet stay where the text is still the same. `asked`: it was read
   * for the sake of another language.
   */
  private show(next: Display, asked = false): Change[] {
    const translated = asked && this.display?.locale !== next.locale;
    const before = new Map(flat(this.display?.statements ?? []).map((one) => [one.id, one]));
    const now = new Map(flat(next.statements).map((one) => [one.id, one]));
    const changes: Change[] = [];
    for (const [id, one] of now) {
      const old = before.get(id);
      const picked = this.picked.get(id);
      const reworded = old && !translated && !sameText(old, one);
      const ended = old && one.choice === PENDING && endsBy(old, this.clock.now());
      if (!old) changes.push({ what: "added", text: one.text });
      else if (reworded) changes.push({ what: "reworded", text: one.text });
      else if (ended) changes.push({ what: "ended", text: one.text });
      else if (old.choice !== one.choice && picked !== one.choice) changes.push({ what: "answered", text: one.text });
      if (ended) this.lapsed.set(id, old.expiration_date ?? "");
      else if (one.choice !== PENDING) this.lapsed.delete(id);
      if (one.read_only || reworded || old?.choice_type !== one.choice_type || picked === one.choice) this.picked.delete(id);
    }
    for (const [id, { text }] of before) {
      if (now.has(id)) continue;
      this.picked.delete(id);
      changes.push({ what: "gone", text });
    }
    this.display = next;
    this.step = "form";
    this.watchEnds();
    this.host.changed();
    return before.size ? changes : [];
  }

  /** Reads again once an acceptance ends. */
  private watchEnds(): void {
    clearTimeout(this.ending);
    const ends = this.statements.map(({ expiration_date }) => expiration_date ?? "").filter((end) => end && !this.passed.has(end));
    const [next] = ends.sort((one, other) => Date.parse(one) - Date.parse(other));
    if (!next) return;
    // A second later, as servers tell whole seconds.
    const pause = Date.parse(next) + 1_000 - this.clock.now();
    const look = async (): Promise<void> => {
      if (pause > MAX_TIMER) return this.watchEnds();
      this.passed.add(next);
      if (this.saving || this.step !== "form") return;
      try {
        const display = await this.read();
        if (!display || !this.open) return;
        const changes = this.show(display);
        if (changes.length) this.tell({ key: "consents.changed", bad: false, changes });
      } catch {
        // What is shown says until when it holds.
      }
    };
    this.ending = setTimeout(() => void look(), Math.min(MAX_TIMER, Math.max(0, pause)));
  }

  /** The server has recorded what was sent. */
  private recorded({ capture }: Sending, superseded: readonly string[], isRead = false): void {
    this.unsure = null;
    const taken = new Map(capture.selections.map(({ id, choice }) => [id, choice]));
    for (const one of flat(this.display?.statements ?? [])) {
      const choice = taken.get(one.id);
      if (choice === undefined) continue;
      if (this.picked.get(one.id) === choice) this.picked.delete(one.id);
      if (superseded.includes(one.id)) continue;
      if (one.choice !== choice) {
        one.choice = choice;
        delete one.expiration_date;
      }
      this.saved.set(one.id, Date.parse(capture.capture_date));
      this.lapsed.delete(one.id);
    }
    if (this.display) this.display.known = true;
    const overtaken = superseded.length > 0;
    this.tell({ key: overtaken ? "consents.superseded" : "consents.saved", bad: false, ids: [...superseded] });
    this.host.emit("rubrica-consents-changed", { selections: capture.selections, superseded: [...superseded], at: capture.capture_date });
    if (!isRead) void this.refresh();
  }

  /** How things stand after a capture: until when it holds, and what else can be answered now. */
  private async refresh(): Promise<void> {
    try {
      const display = await this.read();
      if (!display || !this.open) return;
      const more = this.show(display).filter(({ what }) => what === "added").length;
      if (more && this.note?.key === "consents.saved") {
        this.tell({ key: more === 1 ? "consents.saved_more.one" : "consents.saved_more.other", values: { n: more }, bad: false });
      }
    } catch {
      // It is saved all the same, and the key from before is still good.
    }
  }

  /** Says why something was not saved. */
  private refuse(problem: Problem, changes: Change[] = []): void {
    const { status, code, requestId, retryAfter } = problem;
    this.host.emit("rubrica-consents-problem", { step: "save", code: codeOf(problem) });
    const say = (key: Key, values: Values = {}): void => this.tell({ key, values, bad: true, changes, requestId });
    if (code === KEY_REFUSED) return say(changes.length ? "consents.stale_changed" : "consents.stale");
    if (changes.length) return say("consents.stale_changed");
    if (status === 0) return say("consents.offline");
    if (status === 401) return say("consents.session");
    if (status === 403) return say("consents.refused");
    if (status === 429) {
      if (retryAfter === null || retryAfter > 3_600) return say("consents.too_many");
      return say("consents.wait", { seconds: Math.max(1, Math.ceil(retryAfter)) });
    }
    if (status === 503) return say("consents.busy");
    say(status < 500 ? "consents.not_taken" : "consents.server");
  }

  /** The server did not say that it has recorded what was sent. */
  private async notRecorded(problem: Problem, sending: Sending): Promise<void> {
    const { status } = problem;
    // These wrote nothing, and what is shown still holds.
    if ([401, 403, 429, 503].includes(status) && problem.code !== KEY_REFUSED) {
      if (status !== 401) this.unsure = null;
      return this.refuse(problem);
    }
    // No answer, or one of something between here and the server: it may have been recorded.
    const lost = status === 0 || status >= 500;
    this.unsure = lost ? sending : null;
    let display: Display | null;
    try {
      display = await this.read();
    } catch (error) {
      const reading = asProblem(error);
      if (lost) {
        this.host.emit("rubrica-consents-problem", { step: "save", code: codeOf(problem) });
        return this.tell({ key: "consents.unclear", bad: true });
      }
      if (reading.status !== 404) return this.refuse(problem);
      return this.fail("missing", codeOf(reading), reading.requestId);
    }
    if (!display || !this.open) return;
    const choices = new Map(flat(display.statements).map(({ id, choice }) => [id, choice]));
    const arrived = lost && sending.capture.selections.every(({ id, choice }) => choices.get(id) === choice);
    const changes = this.show(display);
    if (arrived) return this.recorded(sending, [], true);
    if (!lost) return this.refuse(problem, changes);
    this.host.emit("rubrica-consents-problem", { step: "save", code: codeOf(problem) });
    this.tell({ key: "consents.not_arrived", bad: true, changes });
  }
}

/** Whether an acceptance has ended by a moment. */
const endsBy = ({ expiration_date }: Statement, now: number): boolean => expiration_date !== undefined && Date.parse(expiration_date) <= now;

/** What is no problem of a call is one of this script: it is said as one of the server, and not passed over. */
function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  console.error(error);
  return new Problem(500, "SCRIPT");
}

const codeOf = ({ code, status }: Problem): string => code || (status === 0 ? "OFFLINE" : `HTTP_${status}`);

/** A reference of its own; `crypto.randomUUID` is not there on pages without TLS. */
function trace(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
