// <rubrica-sign>: takes a signer from the invitation to the signature. Everything is in the element: no style, no script and no address of
// the page around it is touched. docs/pages.md says how to use it.

import { LitElement, html, nothing, type PropertyValues, type TemplateResult } from "lit";

import { Api, type Linked } from "./api.js";
import { codeAnswer, codeAsk, secondsLeft } from "./code.js";
import { ended, fault, signed } from "./ends.js";
import { extraFor, extraOf, load, type Extra, type ExtraName, type Make } from "./extra.js";
import { Flow } from "./flow.js";
import type { Host, Message } from "./host.js";
import { icon } from "./icons.js";
import { invitation } from "./invitation.js";
import { device, keepLanguage, language } from "./keep.js";
import { kit } from "./kit.js";
import { MAX_TIMER, lifetime } from "./lifetime.js";
import { bar, button, contact, loading, said, sender, tenant, type Screen } from "./parts.js";
import { accept, decline, read } from "./sign_screens.js";
import type { Fault, Step, Wish } from "./steps.js";
import { page } from "./style.js";
import { base, tint } from "./style_base.js";
import { NAMES, Words, chosen } from "./words.js";

/** Of a step that is in an extra and nowhere else. */
const apart: Screen = { place: 1, title: (_, words) => words.t("ask.title"), body: () => nothing };

/** One screen for each step. Those that most signers never see are in an extra. */
const SCREENS: Record<Exclude<Step, "loading">, Screen> = {
  invitation,
  code_ask: codeAsk,
  code_answer: codeAnswer,
  read,
  sign: accept,
  decline,
  signed,
  ended,
  desk: apart,
  card: apart,
  fault,
};

/** Part of the life of a token after which another one is asked for. */
const RENEW_AT = 0.9;

export class RubricaSign extends LitElement implements Host {
  static override styles = [base, page];

  static override properties = {
    base: {},
    org: {},
    signId: { attribute: "sign-id" },
    token: {},
    lang: {},
    scheme: { reflect: true },
  };

  /** Address of the server; by default the one that this script came from. */
  declare base: string;
  declare org: string;
  /** Identifier of the signature. */
  declare signId: string;
  /** Token of the signer's link; set anew when it is about to end. */
  declare token: string;
  /** Language wanted; by default the browser's. */
  declare lang: string;
  /** `light` or `dark`; by default the system's. */
  declare scheme: string | null;

  /** Token of the signature, for a signer who was identified elsewhere. */
  access = "";

  private flow: Flow | null = null;
  private words: Words | null = null;
  /** Language and extra whose words were asked for last. */
  private loading = "";
  private extra: { name: ExtraName; made: Extra } | null = null;
  private bringing = false;
  /** Whether an extra did not come. */
  private lacking = false;
  private readonly styled = new Set<ExtraName>();
  /** Colours of the tenant, and what they are made of. */
  private tinted: { sheet: CSSStyleSheet; text: string } | null = null;
  private shown: { step: Step; heading: string; title: string; lang: string } | null = null;
  private message: Message | null = null;
  private ticking: ReturnType<typeof setInterval> | undefined;
  private renewal: ReturnType<typeof setTimeout> | undefined;
  private linked: Linked | null = null;
  private waits: { fault: Fault; requestId: string } | null = null;
  private readonly looked = (): void => this.flow?.visible(document.visibilityState === "visible");

  constructor() {
    super();
    this.base = "";
    this.org = "";
    this.signId = "";
    this.token = "";
    this.scheme = null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener("visibilitychange", this.looked);
    // Taken out and put in again, as frameworks do when they move things.
    if (this.hasUpdated && !this.flow) this.begin();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener("visibilitychange", this.looked);
    clearInterval(this.ticking);
    this.ticking = undefined;
    clearTimeout(this.renewal);
    this.leave();
  }

  // For the page around it

  /** A token with the invitation that came with it. */
  take(linked: Linked): void {
    this.linked = linked;
    this.token = linked.token;
    // The same token again is news too: somebody waits for it.
    this.requestUpdate("token", "");
  }

  /** There is no token to be had. */
  fail(why: Fault, requestId = ""): void {
    this.waits = { fault: why, requestId };
    if (this.flow) this.flow.fail(why, requestId);
    else this.requestUpdate();
  }

  /** Goes to a step, as far as the signature's state allows. */
  go(wish: Wish): void {
    this.flow?.go(wish);
  }

  // For the flow

  changed(): void {
    this.requestUpdate();
  }

  emit(name: string, detail: Record<string, unknown> = {}): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  announce(message: Message): void {
    const live = this.renderRoot.querySelector(".quiet");
    if (live && this.words) live.textContent = said(this.words, message);
  }

  // Inside

  private leave(): void {
    this.flow?.close();
    this.flow = null;
    this.extra?.made.close();
    this.extra = null;
    this.loading = "";
  }

  private begin(): void {
    if (!this.org || !this.signId) return;
    const here = new URL("..", import.meta.url).href;
    const base = (this.base ? new URL(this.base, document.baseURI).href : here).replace(/\/+$/, "");
    this.flow = new Flow(new Api(base, this.org, this.signId, device()), this);
    this.flow.api.access = this.access;
    if (this.waits) this.flow.fail(this.waits.fault, this.waits.requestId);
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has("signId") || changed.has("org") || changed.has("base")) this.leave();
    if (!this.flow) this.begin();
    if (this.flow && this.token && (changed.has("token") || !this.flow.api.token)) {
      const linked = this.linked;
      this.linked = null;
      this.waits = null;
      const flow = this.flow;
      // What it changes is shown in the next turn.
      queueMicrotask(() => void flow.start(this.token, linked ?? undefined));
      this.renewLater();
    }
    void this.speak();
    void this.bring();
  }

  private renewLater(): void {
    clearTimeout(this.renewal);
    const life = lifetime(this.token);
    if (life === null) return;
    this.renewal = setTimeout(() => this.emit("rubrica-token-expiring"), Math.min(MAX_TIMER, life * RENEW_AT));
  }

  private offered(): string[] {
    const tenants = this.flow?.invitation?.landing.languages.map((tag) => tag.toLowerCase()).filter((tag) => tag in NAMES);
    return tenants?.length ? tenants : Object.keys(NAMES);
  }

  /** Loads the words of the language that is wanted now. */
  private async speak(): Promise<void> {
    const wanted = [language(), this.lang, ...navigator.languages].filter((tag): tag is string => Boolean(tag));
    const invited = this.flow?.invitation;
    const signers = invited?.signer.language.toLowerCase() ?? "";
    const lang = chosen([...wanted, signers], this.offered(), invited?.landing.default_language || document.documentElement.lang || "en");
    const extra = this.extra?.name ?? null;
    const asked = `${lang} ${extra}`;
    if (asked === this.loading) return;
    this.loading = asked;
    try {
      const words = await Words.of(lang, extra);
      if (this.loading === asked) this.words = words;
    } catch {
      // Without a connection the words that are there stay.
      this.loading = this.words ? `${this.words.lang} ${this.words.extra}` : "";
      if (!this.words) setTimeout(() => this.requestUpdate(), 3_000);
      return;
    }
    this.requestUpdate();
  }

  /** Loads the extra that the signer needs now or at the next step. What does not come is asked for again when the page changes. */
  private async bring(): Promise<void> {
    const { flow, words } = this;
    const name = flow && extraFor(flow);
    if (!flow || !words || !name || this.extra?.name === name || this.bringing) return;
    this.bringing = true;
    try {
      const [make, complete] = await Promise.all([load<Make>(EXTRAS[name].script), Words.of(words.lang, name)]);
      this.lacking = false;
      if (flow === this.flow) this.add(name, make(kit, flow));
      // If another language was picked meanwhile, its words are loaded now.
      if (words === this.words) this.words = complete;
    } catch {
      if (this.lacking) return;
      this.lacking = true;
    } finally {
      this.bringing = false;
    }
    this.requestUpdate();
  }

  private add(name: ExtraName, made: Extra): void {
    this.extra?.made.close();
    this.extra = { name, made };
    if (this.styled.has(name)) return;
    this.styled.add(name);
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(made.style);
    const root = this.renderRoot as ShadowRoot;
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  }

  /** Sets the tenant's colour. What the page around sets goes before it, as its rules go before those of `:host`. */
  private tint(): void {
    const accent = this.flow?.invitation?.tenant.accent;
    const text = accent ? tint(accent) : "";
    if (text === (this.tinted?.text ?? "")) return;
    const sheet = this.tinted?.sheet ?? new CSSStyleSheet();
    sheet.replaceSync(text);
    const root = this.renderRoot as ShadowRoot;
    if (!this.tinted) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
    this.tinted = { sheet, text };
  }

  /** The screen of a step. */
  private screen(step: Exclude<Step, "loading">): Screen {
    const own = SCREENS[step];
    const name = extraOf(step, this.flow?.invitation ?? null);
    if (!name) return own;
    const { extra, words } = this;
    if (extra?.name === name && words?.extra === name) return extra.made.screens[step] ?? own;
    return { ...own, body: (flow, words) => this.awaited(flow, words) };
  }

  /** Until an extra is there. */
  private awaited(flow: Flow, words: Words): TemplateResult {
    if (!this.lacking) return loading(words);
    const { t } = words;
    const retry = (): void => {
      this.lacking = false;
      this.requestUpdate();
    };
    return html`<div class="flow">
      <p class="note bad">${t("problem.connection")}</p>
      ${bar(button(flow, { label: t("problem.retry"), kind: "main", press: retry }))}
    </div>`;
  }

  private pickLanguage(event: Event): void {
    keepLanguage((event.target as HTMLSelectElement).value);
    this.requestUpdate();
  }

  protected override updated(): void {
    const { flow, words } = this;
    this.tint();
    if (!flow || !words) return;
    const { step } = flow;
    const counting = (step === "code_ask" || step === "code_answer") && secondsLeft(flow) > 0;
    if (counting) this.ticking ??= setInterval(() => this.requestUpdate(), 1_000);
    else {
      clearInterval(this.ticking);
      this.ticking = undefined;
    }
    if (step === "loading") return;
    if (step === "signed" || step === "ended") this.extra?.made.close();
    const heading = this.screen(step).title(flow, words);
    const title = `${flow.message?.field ? `${words.t("problem.error")} ` : ""}${heading} – ${tenant(flow, words)}`;
    const before = this.shown;
    // An extra may have several screens for its step.
    const moved = before !== null && (before.step !== step || (before.lang === words.lang && before.heading !== heading));
    if (before?.step !== step || before.title !== title || before.lang !== words.lang) {
      this.shown = { step, heading, title, lang: words.lang };
      this.emit("rubrica-step", { step, title, lang: words.lang });
    }
    const { message } = flow;
    const news = message !== null && message !== this.message;
    this.message = message;
    if (news) this.renderRoot.querySelector<HTMLElement>(".summary")?.focus();
    else if (moved) {
      // The step begins at its top.
      this.renderRoot.querySelector<HTMLElement>(".page")?.scrollIntoView({ block: "start" });
      this.renderRoot.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
    }
  }

  private summary(flow: Flow, words: Words): TemplateResult | typeof nothing {
    const { message } = flow;
    if (!message) return nothing;
    const { field, requestId } = message;
    const to = (event: Event): void => {
      event.preventDefault();
      this.renderRoot.querySelector<HTMLElement>(`#${field}`)?.focus();
    };
    return html`<div class="summary" part="problem" role="alert" tabindex="-1" aria-labelledby="summary">
      <h2 id="summary">${words.t("problem.title")}</h2>
      ${field ? html`<a href="#${field}" @click=${to}>${said(words, message)}</a>` : html`<p>${said(words, message)}</p>`}
      ${requestId ? html`<p class="soft small">${words.t("problem.reference")} <span class="code">${requestId}</span></p>` : nothing}
    </div>`;
  }

  private languages(words: Words): TemplateResult {
    return html`<select aria-label=${words.t("general.language")} @change=${this.pickLanguage}>
      ${this.offered().map((tag) => html`<option value=${tag} lang=${tag} ?selected=${tag === words.lang}>${NAMES[tag]}</option>`)}
    </select>`;
  }

  private progress(place: 1 | 2 | 3, words: Words): TemplateResult {
    return html`<div class="progress">
      <span>${words.t("general.progress", { step: place, steps: 3 })}</span>
      <span class="track" aria-hidden="true">${[1, 2, 3].map((one) => html`<i class=${one <= place ? "past" : ""}></i>`)}</span>
    </div>`;
  }

  protected override render(): unknown {
    const { flow, words } = this;
    const waiting = (): TemplateResult => html`<div class="loading"><span class="spin" aria-hidden="true"></span></div>`;
    if (!words) return html`<div class="page" part="page" aria-busy="true">${waiting()}</div>`;
    const step = flow?.step ?? "loading";
    const content = (): unknown => {
      if (!flow || step === "loading") return html`${waiting()}<p class="quiet">${words.t("general.loading")}</p>`;
      const screen = this.screen(step);
      const mark = screen.mark?.(flow);
      return html`${mark ? html`<div class="done ${mark === "tick" ? "" : "end"}" aria-hidden="true">${icon(mark)}</div>` : nothing}
        ${screen.place ? this.progress(screen.place, words) : nothing}
        <h1 tabindex="-1">${screen.title(flow, words)}</h1>
        ${this.summary(flow, words)} ${screen.body(flow, words)}`;
    };
    const wide = flow && step !== "loading" && this.screen(step).wide;
    return html`<div class="page ${wide ? "wide" : ""}" part="page" lang=${words.lang}>
      <div class="inner">
        <slot name="before"></slot>
        <div class="top" part="top">
          <span class="who">${sender(flow)}</span>
          ${this.languages(words)}
        </div>
        <div class="card" part="card" data-step=${step}>${content()}</div>
        <div class="foot" part="contact">${flow ? contact(flow, words) : nothing}</div>
        <slot name="after"></slot>
        <div class="quiet" role="status"></div>
      </div>
    </div>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "rubrica-sign": RubricaSign;
  }
}

if (!customElements.get("rubrica-sign")) customElements.define("rubrica-sign", RubricaSign);
