// A signer's way: what the server says, what the page wants, and the acts between them. Knows no DOM.

import { Api, Problem, type Linked } from "./api.js";
import { ResumeKey, asked, begun, keepAsked, keepBegun } from "./keep.js";
import { COUNTED, type Fault, type Step, type Wish, identified, settled, step } from "./steps.js";
import { refusedCode, type Act, type Host, type Message, type Reading } from "./host.js";
import { News } from "./news.js";
import type { Download, Invitation, SignDetail } from "./types.js";

/** How long the public addresses of documents are used; the server makes them for an hour. In milliseconds. */
const ADDRESS_LIFETIME = 50 * 60_000;

/** How long whoever brings tokens may take for the next one, in milliseconds. */
const TOKEN_PATIENCE = 15_000;

/** Problems that one page tells the server of. */
const MAX_REPORTS = 5;

export class Flow {
  invitation: Invitation | null = null;
  detail: SignDetail | null = null;
  /** What is sealed; `null` until it was looked for. */
  downloads: Download[] | null = null;
  fault: Fault | null = null;
  /** Of the fault, for whoever operates the server. */
  faultId = "";
  message: Message | null = null;
  /** What is under way. Another act waits until it is done. */
  busy: Act | null = null;
  /** How the request for a new link ended. */
  linkSent = false;
  /** The second factor, for as long as the page is open. */
  secondFactor: string | null = null;
  /** What is written and not sent yet. */
  reason = "";
  accepted = false;
  /** By the number of the document on the page. */
  readonly readings = new Map<number, Reading>();

  private wish: Wish;
  /** Where the signer was before they thought of declining. */
  private before: Wish = "on";
  private asked: boolean;
  private read = false;
  readonly key: ResumeKey;
  /** When the public addresses of documents were fetched. */
  private fetchedAt = 0;
  /** Process time minus the device's, in milliseconds. */
  private skew = 0;
  private readonly news = new News(
    (signal) => this.withToken(() => this.api.watch(this.invitation?.revision ?? "", signal)),
    () => this.refresh(),
    (invitation) => this.take(invitation),
    () => this.invitation !== null && !settled(this.invitation) && this.fault === null,
  );
  /** Whoever waits for another token; an empty one is none. */
  private waiting: ((token: string) => void)[] = [];
  private reports = 0;
  private told = "";
  private over = false;
  private fetching: Promise<void> | null = null;
  /** Whether the token of the signature was looked for already with the key. */
  tried = false;

  constructor(
    readonly api: Api,
    private readonly host: Host,
  ) {
    this.key = new ResumeKey(api.sign);
    this.wish = begun(api.sign) ? "on" : "invitation";
    this.asked = asked(api.sign);
  }

  /** Process time, in milliseconds. */
  now(): number {
    return Date.now() + this.skew;
  }

  get step(): Step {
    const { invitation, fault, wish, asked, read } = this;
    return step({ invitation, fault, wish, access: this.api.access !== "", asked, read, now: this.now() });
  }

  /** Whether the signer proves again who they are. */
  get again(): boolean {
    return this.invitation !== null && identified(this.invitation);
  }

  reading(number: number): Reading {
    return this.readings.get(number) ?? { broken: false, downloaded: false };
  }

  /** Ends what goes on by itself. */
  close(): void {
    this.over = true;
    this.news.stop();
    this.key.close();
  }

  // What comes from the server

  private take(invitation: Invitation): void {
    if (this.over) return;
    // Two answers may overtake each other.
    if (this.invitation && Date.parse(invitation.now) < Date.parse(this.invitation.now)) return;
    this.skew = Date.parse(invitation.now) - Date.now();
    const first = this.invitation === null;
    this.invitation = invitation;
    this.api.type = invitation.sign_type;
    this.fault = null;
    if (first) this.host.emit("rubrica-ready", { sign_type: invitation.sign_type, status: invitation.status });
    this.tell();
    this.host.changed();
    this.news.start();
    if (this.step === "signed") void this.prepare();
  }

  /** Tells once how it ended. */
  private tell(): void {
    const { step, invitation } = this;
    if (step === this.told || !invitation) return;
    const ended = invitation.ended;
    if (step === "signed") this.host.emit("rubrica-signed", { at: invitation.signed_at });
    if (step === "ended") {
      if (ended?.why === "DECLINED" && ended.by_you) this.host.emit("rubrica-declined", { at: ended.at });
      this.host.emit("rubrica-ended", { why: ended?.why ?? invitation.process_status });
    }
    if (step === "signed" || step === "ended") this.told = step;
  }

  /** A token that somebody brought. The first one begins, a later one goes on. */
  async start(token: string, linked?: Linked): Promise<void> {
    this.api.token = token;
    const waiting = this.waiting.splice(0);
    waiting.forEach((go) => go(token));
    if (linked) this.take(linked.invitation);
    else if (waiting.length === 0) await this.refresh();
    await this.reopen();
    await this.prepare();
  }

  /** There is nothing to begin with. */
  fail(fault: Fault, requestId = ""): void {
    this.waiting.splice(0).forEach((go) => go(""));
    if (this.invitation && fault !== "session") return;
    this.fault = fault;
    this.faultId = requestId;
    this.host.emit("rubrica-problem", { step: "fault", code: fault.toUpperCase() });
    this.report("link", COUNTED[fault]);
    this.host.changed();
  }

  /** Asks whoever brings tokens for another one. */
  private async anotherToken(): Promise<boolean> {
    const given = new Promise<string>((go) => this.waiting.push(go));
    this.host.emit("rubrica-token-expiring");
    const late = new Promise<string>((go) => setTimeout(() => go(""), TOKEN_PATIENCE));
    return (await Promise.race([given, late])) !== "";
  }

  /** Does something with the link's token, and once more with another one if that has ended. */
  async withToken<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof Problem && error.status === 401)) throw error;
      if (!(await this.anotherToken())) {
        this.fail("session");
        throw error;
      }
      return run();
    }
  }

  /** Does something with the token of the signature, and once more if that had ended and the key opens it again. */
  private async withAccess<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof Problem && error.status === 401)) throw error;
      this.api.access = "";
      this.tried = false;
      if (!(await this.reopen())) throw error;
      return run();
    }
  }

  /** Reads the invitation. What goes wrong is shown only where there is none yet. */
  async refresh(): Promise<boolean> {
    try {
      this.take(await this.withToken(() => this.api.invitation()));
      return true;
    } catch (error) {
      const { status, requestId } = error instanceof Problem ? error : new Problem(0);
      if (!this.invitation && !this.fault) this.fail(status === 404 ? "gone" : "down", requestId);
      return false;
    }
  }

  /** Looks for the token of a signature whose signer is identified. */
  async reopen(): Promise<boolean> {
    const { invitation } = this;
    if (this.api.access) return true;
    if (!invitation || !identified(invitation) || this.tried) return false;
    // What the invitation shows needs nothing more.
    if (invitation.signed_at === null && (settled(invitation) || this.wish === "invitation")) return false;
    this.tried = true;
    const key = await this.key.find();
    if (key === null) return false;
    try {
      await this.withToken(() => this.api.resume(key));
    } catch (error) {
      // Only what the server refuses is useless; what did not get there may be tried again.
      if (error instanceof Problem && [401, 403, 404].includes(error.status)) this.key.forget();
      return false;
    }
    this.host.changed();
    return true;
  }

  /** What the next step needs besides the invitation. */
  async prepare(): Promise<void> {
    const sealed = this.step === "signed" && this.invitation?.sealed === true;
    if (!sealed && this.step !== "read" && this.step !== "sign") return;
    const there = sealed ? this.downloads : this.detail;
    if (there && Date.now() - this.fetchedAt < ADDRESS_LIFETIME) return;
    this.fetching ??= (sealed ? this.fetchDownloads() : this.fetchDetail()).finally(() => {
      this.fetching = null;
      this.host.changed();
    });
    await this.fetching;
  }

  /** What is sealed is shown where it was signed, as long as the key works. */
  private async fetchDownloads(): Promise<void> {
    if (!(await this.reopen())) {
      this.downloads ??= [];
      return;
    }
    try {
      this.downloads = await this.withAccess(() => this.api.downloads());
      this.fetchedAt = Date.now();
    } catch (error) {
      if (error instanceof Problem && error.status === 401) this.downloads = [];
      else this.problem(error);
    }
  }

  /** The addresses of the documents have ended: others are fetched. */
  renew(): void {
    // Once in a while only, as what is gone stays gone.
    if (Date.now() - this.fetchedAt < 60_000) return;
    this.detail = null;
    void this.prepare();
  }

  private async fetchDetail(): Promise<void> {
    try {
      this.detail = await this.withAccess(() => this.api.detail());
      this.fetchedAt = Date.now();
    } catch (error) {
      this.problem(error);
    }
  }

  /** The page is shown or not: nobody waits for news of a page that nobody sees. */
  visible(shown: boolean): void {
    if (!shown) this.news.stop();
    else if (this.invitation && !settled(this.invitation) && !this.news.running) {
      void this.refresh().then(() => this.prepare());
    }
  }

  // What the signer does

  /** Goes to a step, as far as the state allows. */
  go(wish: Wish): void {
    if (this.busy) return;
    if (wish === "decline" && this.wish !== "decline") this.before = this.wish;
    this.wish = wish;
    this.message = null;
    if (wish !== "invitation" && wish !== "decline") keepBegun(this.api.sign);
    this.host.changed();
    void this.reopen().then(() => this.prepare());
  }

  /** Goes back from declining to where that was thought of. */
  reconsider(): void {
    this.go(this.before);
  }

  say(message: Message | null): void {
    this.message = message;
    this.host.changed();
  }

  /** Says something to those who hear the page. */
  announce(message: Message): void {
    this.host.announce(message);
  }

  /** Shows what went wrong in words. */
  problem(error: unknown, of: (problem: Problem) => Message | null = () => null): void {
    const problem = error instanceof Problem ? error : new Problem(-1, "SCRIPT");
    const { status, code, requestId, retryAfter } = problem;
    // The fault says it already.
    if (this.fault) return;
    const own = of(problem);
    const general = (): Message => {
      if (status === 0) return { key: "problem.connection" };
      if (status === 401) return { key: "problem.session" };
      if (status === 409 || status === 410) return { key: "problem.changed" };
      if (status === 429 || status === 503) {
        const seconds = Math.max(1, Math.ceil(retryAfter ?? 30));
        return { key: "problem.wait", values: { seconds }, requestId };
      }
      return { key: "problem.server", requestId };
    };
    this.message = own ?? general();
    const name = status === 0 ? "NETWORK" : status < 0 ? "SCRIPT" : `HTTP_${status}`;
    this.host.emit("rubrica-problem", { step: this.step, code: code || name });
    // What a person does wrong is no fault of the page.
    if (own === null) this.report(this.step, name);
  }

  private report(step: string, code: string): void {
    if (this.reports++ < MAX_REPORTS) this.api.report(step, code);
  }

  /** One act at a time; afterwards the state is what the server says. */
  async act(name: Act, run: () => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = name;
    this.message = null;
    this.host.changed();
    try {
      await run();
    } finally {
      this.busy = null;
      this.host.changed();
      await this.prepare();
      this.host.changed();
    }
  }

  /** Has a code sent. */
  askCode(secondFactor: string | null): Promise<void> {
    return this.act("code", async () => {
      const { id } = this.invitation!.identification;
      const again = this.again;
      try {
        await this.withToken(() => (again ? this.api.challengeAgain(secondFactor) : this.api.challenge(id, secondFactor)));
        this.secondFactor = secondFactor;
        this.sent();
      } catch (error) {
        // Lost on its way: a code that the invitation knows of was sent.
        const before = this.invitation?.identification.otp?.code_expires_at;
        await this.refresh();
        const after = this.invitation?.identification.otp?.code_expires_at;
        if (error instanceof Problem && error.status === 0 && after && after !== before) return this.sent();
        this.problem(error, ({ status }) => {
          if (status === 403) return { key: "ask.wrong_factor", field: "factor" };
          if (status === 412) return { key: "ask.too_soon" };
          return null;
        });
        return;
      }
      await this.refresh();
    });
  }

  private sent(): void {
    this.asked = true;
    keepAsked(this.api.sign, true);
    this.wish = "code_answer";
    this.host.announce({ key: "answer.sent" });
  }

  /** Answers the code. */
  answerCode(code: string, secondFactor: string | null): Promise<void> {
    return this.act("answer", async () => {
      const { id } = this.invitation!.identification;
      const again = this.again;
      const resume = await this.key.hash();
      try {
        await this.withToken(() =>
          again ? this.api.proveAgain(code, secondFactor, resume) : this.api.validate(id, code, secondFactor, resume),
        );
      } catch (error) {
        await this.refresh();
        this.tried = false;
        const lost = error instanceof Problem && error.status === 0;
        if (lost && this.invitation && identified(this.invitation) && (await this.reopen())) return this.identified();
        if (this.step !== "code_answer") return;
        const left = this.invitation?.identification.otp?.validations_left ?? null;
        const unchecked = this.invitation?.identification.otp?.needs_contact_check;
        this.problem(error, ({ status }) => (status === 409 && unchecked ? { key: "answer.contact_check" } : refusedCode(status, left)));
        return;
      }
      await this.refresh();
      this.identified();
    });
  }

  /** The signer is identified, and there is a token of the signature. */
  identified(): void {
    this.asked = false;
    keepAsked(this.api.sign, false);
    this.wish = "read";
    this.secondFactor = null;
    this.host.emit("rubrica-identified");
  }

  /** A page of a document could not be shown, or the document was downloaded. */
  note(number: number, reading: Partial<Reading>): void {
    if (reading.broken && !this.reading(number).broken) this.report("read", "PAGE_IMAGE");
    this.readings.set(number, { ...this.reading(number), ...reading });
    if (this.message?.key === "read.download_first" && !this.unread()) this.message = null;
    this.host.changed();
  }

  /** Whether a document could neither be read here nor was downloaded. */
  unread(): boolean {
    return [...this.readings.values()].some(({ broken, downloaded }) => broken && !downloaded);
  }

  /** The signer has read the documents. */
  confirmRead(): Promise<void> {
    if (this.unread()) {
      this.say({ key: "read.download_first" });
      return Promise.resolve();
    }
    return this.act("read", async () => {
      try {
        await this.withAccess(() => this.api.seen());
        this.read = true;
        this.wish = "sign";
      } catch (error) {
        await this.refresh();
        if (this.step === "read") this.problem(error);
      }
    });
  }

  /** Signs. An answer that does not come is looked up, never asked for twice. `of`: what the step itself says of a refusal. */
  sign(send = (): Promise<void> => this.api.signs(), of: (problem: Problem) => Message | null = () => null): Promise<void> {
    if (!this.accepted) {
      this.say({ key: "sign.not_accepted", field: "accept" });
      return Promise.resolve();
    }
    return this.act("sign", async () => {
      let failure: unknown = null;
      try {
        await this.withAccess(send);
      } catch (error) {
        failure = error;
      }
      const known = await this.refresh();
      if (this.step !== "sign") return;
      if (failure === null) this.message = { key: "sign.unclear" };
      else if (failure instanceof Problem && failure.status === 0) {
        this.problem(failure, () => ({ key: known ? "problem.connection" : "sign.unclear" }));
      } else this.problem(failure, of);
    });
  }

  /** Declines for good. */
  decline(reason: string): Promise<void> {
    if (reason.trim() === "") {
      this.say({ key: "decline.reason_missing", field: "reason" });
      return Promise.resolve();
    }
    return this.act("decline", async () => {
      try {
        this.take(await this.withToken(() => this.api.decline(reason.trim())));
      } catch (error) {
        await this.refresh();
        if (this.step === "decline") this.problem(error, ({ status }) => (status === 409 ? { key: "decline.too_late" } : null));
      }
    });
  }

  /** Has the link sent again. The answer never says whether there is such a signature. */
  newLink(): Promise<void> {
    return this.act("link", async () => {
      try {
        await this.api.newLink();
        this.linkSent = true;
        this.host.announce({ key: "fault.link_sent" });
      } catch (error) {
        this.problem(error);
      }
    });
  }

  /** Begins anew after a fault. */
  retry(): Promise<void> {
    return this.act("retry", async () => {
      if (!this.api.token) {
        await this.anotherToken();
        return;
      }
      this.fault = null;
      this.host.changed();
      await this.refresh();
    });
  }
}
