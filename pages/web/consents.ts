// <rubrica-consents>: shows a customer the consents of a segment, takes the answers and saves them. Everything is in the element: no style,
// no script, no address and no storage of the page around it is touched. docs/pages.md says how to use it.

import { LitElement, html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { live } from "lit/directives/live.js";

import { ACCEPTED, ConsentsApi, PENDING, REJECTED, tagOf, type Choice, type Statement } from "./consents_api.js";
import { ConsentsFlow, flat, type Change, type ConsentsHost, type Note } from "./consents_flow.js";
import { icon } from "./icons.js";
import { MAX_TIMER, lifetime } from "./lifetime.js";
import { base } from "./style_base.js";
import { consents } from "./style_consents.js";
import { NAMES, Words, chosen } from "./words.js";

/** Part of the life of a token after which another one is asked for. */
const RENEW_AT = 0.9;

/** The longest explanation that is shown without being asked for, in characters. */
const MAX_OPEN = 280;

/** So much of a text names it, in characters. */
const MAX_NAME = 120;

/** So many languages are asked for. */
const MAX_LANGUAGES = 5;

/** Addresses in texts, without what ends a sentence. */
const ADDRESS = /(https?:\/\/[^\s<>"«»“”]*[^\s<>"«»“”.,;:!?)\]}'’])/;

/** A text with its addresses as links. It is always text: nothing in it is markup. */
function linked(text: string): unknown {
  // Every second part is an address.
  return text.split(ADDRESS).map((part, at) => {
    if (at % 2 === 0) return part;
    return html`<a href=${part} target="_blank" rel="noopener noreferrer">${part}</a>`;
  });
}

const named = (text: string): string => (text.length > MAX_NAME ? `${text.slice(0, MAX_NAME - 1).trimEnd()}…` : text);

const isOptOut = ({ choice_type }: Statement): boolean => choice_type !== "OPT_IN";

/** What a ticked box says: of a negative wording that its consent is rejected. */
const ticked = ({ choice_type }: Statement): Choice => (choice_type === "OPT_OUT_NEGATIVE" ? REJECTED : ACCEPTED);

interface Button {
  label: string;
  kind?: "main" | "text";
  /** Without it, it sends the form. */
  press?: () => void;
  busy?: boolean;
}

function button({ label, kind, press, busy = false }: Button): TemplateResult {
  const pressed = (event: Event): void => {
    if (busy) event.preventDefault();
    else press?.();
  };
  return html`<button
    type=${press ? "button" : "submit"}
    part="button${kind === "main" ? " main-button" : ""}"
    class=${kind ?? ""}
    aria-disabled=${busy ? "true" : nothing}
    @click=${pressed}
  >
    ${busy ? html`<span class="spin" aria-hidden="true"></span>` : nothing}${label}
  </button>`;
}

export class RubricaConsents extends LitElement implements ConsentsHost {
  static override styles = [base, consents];

  static override properties = {
    base: {},
    org: {},
    segment: {},
    customer: {},
    usersType: { attribute: "users-type" },
    view: {},
    mandatory: {},
    token: {},
    ip: {},
    channel: {},
    trace: {},
    lang: {},
    scheme: { reflect: true },
  };

  /** Address of the server; by default the one that this script came from. */
  declare base: string;
  declare org: string;
  declare segment: string;
  /** `self` is the customer of the token. */
  declare customer: string;
  /** `customers` or `leads`. */
  declare usersType: string;
  /** Views of the tree, separated by commas, to show no more than these. */
  declare view: string;
  /** View of the tree to whose statements an answer is needed. */
  declare mandatory: string;
  /** Token of the web component; set anew when it is about to end. */
  declare token: string;
  /** Address of the customer, as the page's server sees it. */
  declare ip: string;
  /** Where the capture starts, a `SellChannel` of the API. */
  declare channel: string;
  /** Reference for tracing; by default a new one for each capture. */
  declare trace: string;
  /** Language wanted; by default the page's, then the browser's. */
  declare lang: string;
  /** `light` or `dark`; by default the system's. */
  declare scheme: string | null;

  private flow: ConsentsFlow | null = null;
  private words: Words | null = null;
  /** Language whose words were asked for last. */
  private asked = "";
  /** What was told last. */
  private told: Note | null = null;
  /** Step that was shown last. */
  private shown = "";
  /** Whether the customer has pressed `Try again`, and waits for what comes of it. */
  private retried = false;
  private renewal: ReturnType<typeof setTimeout> | undefined;
  private readonly back = (): void => this.flow?.online();

  constructor() {
    super();
    for (const name of ["base", "org", "segment", "view", "mandatory", "token", "ip", "trace", "lang"] as const) this[name] = "";
    this.customer = "self";
    this.usersType = "customers";
    this.channel = "ecare";
    this.scheme = null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener("online", this.back);
    // Taken out and put in again, as frameworks do when they move things.
    if (this.hasUpdated && !this.flow) this.requestUpdate("token", "");
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener("online", this.back);
    clearTimeout(this.renewal);
    this.leave();
  }

  // For the flow

  changed(): void {
    this.requestUpdate();
  }

  emit(name: string, detail: Record<string, unknown> = {}): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  // Inside

  private leave(): void {
    this.flow?.close();
    this.flow = null;
  }

  private begin(): ConsentsFlow {
    const here = new URL("..", import.meta.url).href;
    const own = (this.base ? new URL(this.base, document.baseURI).href : here).replace(/\/+$/, "");
    const views = this.view.split(",").map((view) => view.trim());
    const api = new ConsentsApi({
      base: own,
      org: this.org,
      segment: this.segment,
      customer: this.customer || "self",
      users: this.usersType === "leads" ? "leads" : "customers",
      views: views.filter(Boolean),
    });
    return new ConsentsFlow(api, this, this.mandatory);
  }

  /** Languages that are wanted, the most wanted first. */
  private get wanted(): string[] {
    const tags = [this.lang, document.documentElement.lang, ...navigator.languages].filter((tag) => /^[\w-]{2,35}$/.test(tag));
    return [...new Set(tags)].slice(0, MAX_LANGUAGES);
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    const others = ["base", "org", "segment", "customer", "usersType", "view", "mandatory"] as const;
    if (others.some((name) => changed.has(name))) this.leave();
    void this.speak();
    if (!this.org || !this.segment || !this.token) return;
    const begins = !this.flow;
    const flow = (this.flow ??= this.begin());
    const news = changed.has("token") || begins;
    if (news) this.renewLater();
    const accepted = this.wanted.map((tag, at) => (at ? `${tag};q=${(1 - at / 10).toFixed(1)}` : tag)).join(", ");
    const ip = begins || changed.has("ip");
    // What it changes is shown in the next turn.
    queueMicrotask(() => {
      if (flow !== this.flow) return;
      if (news) flow.take(this.token);
      if (ip && !this.ip) flow.lacks("ip");
      flow.speak(accepted);
      if (ip && this.ip && flow.step === "fault" && flow.fault === "setup") flow.retry();
    });
  }

  private renewLater(): void {
    clearTimeout(this.renewal);
    const life = lifetime(this.token);
    if (life === null) return;
    this.renewal = setTimeout(() => this.emit("rubrica-consents-token-expiring"), Math.min(MAX_TIMER, life * RENEW_AT));
  }

  /** Loads the words of the language that is wanted now. */
  private async speak(): Promise<void> {
    const lang = chosen(this.wanted, Object.keys(NAMES), "en");
    if (lang === this.asked) return;
    this.asked = lang;
    try {
      const words = await Words.of(lang, null);
      if (this.asked === lang) this.words = words;
    } catch {
      // Without a connection the words that are there stay.
      this.asked = this.words?.lang ?? "";
      if (!this.words) setTimeout(() => this.requestUpdate(), 3_000);
      return;
    }
    this.requestUpdate();
  }

  private focusOn(selector: string): void {
    this.renderRoot.querySelector<HTMLElement>(selector)?.focus();
  }

  protected override updated(): void {
    const { flow } = this;
    if (!flow || !this.words) return;
    const news = flow.note !== null && flow.note !== this.told;
    this.told = flow.note;
    if (news && flow.note?.bad) this.focusOn(".summary");
    // Whoever pressed a button that is no longer there is not left without a place.
    const before = this.shown;
    this.shown = flow.step;
    if (before !== flow.step && flow.step !== "loading" && this.retried) {
      this.retried = false;
      this.focusOn("h2");
    }
  }

  // What is seen

  private message(note: Note, words: Words): TemplateResult {
    const { t } = words;
    const { key, values, ids = [], changes = [], requestId } = note;
    const texts = new Map(flat(this.flow?.display?.statements ?? []).map(({ id, text }) => [id, text]));
    const items = ids.flatMap((id) => texts.get(id) ?? []);
    const change = ({ what, text }: Change): unknown => html`<li>${t(`consents.change_${what}`, { text: named(text) })}</li>`;
    const to = (event: Event, id: string): void => {
      event.preventDefault();
      this.focusOn(`#c-${id} input`);
    };
    const places = ids.map((id) => html`<a href="#c-${id}" @click=${(event: Event) => to(event, id)}>${named(texts.get(id) ?? id)}</a>`);
    const list = (entries: unknown): unknown => html`<ul class="changes">${entries}</ul>`;
    const content = html`<p>${t(key, values)}</p>
      ${note.bad ? places : items.length ? list(items.map((item) => html`<li>${named(item)}</li>`)) : nothing}
      ${changes.length ? list(changes.map(change)) : nothing}
      ${requestId ? html`<p class="soft small">${t("consents.reference")} <span class="code">${requestId}</span></p>` : nothing}`;
    if (!note.bad) return html`<div class="note" part="note">${content}</div>`;
    return html`<div class="summary" part="problem" role="alert" tabindex="-1" aria-labelledby="summary">
      <h3 id="summary">${t("consents.problem")}</h3>
      ${content}
    </div>`;
  }

  /** Whether the customer was told that an answer to it is needed, and has given none. */
  private isWrong(one: Statement, { note, isMissing }: ConsentsFlow): boolean {
    return note?.bad === true && note.ids?.includes(one.id) === true && isMissing(one);
  }

  /** What holds of a statement now. */
  private state(one: Statement, flow: ConsentsFlow, words: Words): TemplateResult {
    const { t, moment } = words;
    const saved = flow.saved.get(one.id);
    const lapsed = flow.lapsed.get(one.id);
    const optOut = isOptOut(one);
    const now = (): string => {
      // Then the error says it.
      if (this.isWrong(one, flow)) return "";
      if (one.choice === PENDING) return lapsed ? t("consents.ended", { when: moment(lapsed) }) : t("consents.pending");
      if (one.choice === REJECTED) return t(optOut ? "consents.objected" : "consents.rejected");
      if (one.expiration_date) return t("consents.accepted_until", { when: moment(one.expiration_date) });
      return t(optOut ? "consents.not_objected" : "consents.accepted");
    };
    const unsaved = flow.picked.has(one.id);
    const before = one.choice === PENDING ? "" : t("consents.so_far", { state: now() });
    const hint = optOut && !one.read_only && flow.choice(one) === ACCEPTED;
    return html`<p class="state" id="s-${one.id}">
      ${unsaved ? html`<b>${t("consents.unsaved_one")}</b> ${before}` : now()}
      ${saved === undefined ? nothing : t("consents.saved_at", { when: moment(saved) })}
      ${hint ? t(ticked(one) === ACCEPTED ? "consents.untick" : "consents.tick") : nothing}
    </p>`;
  }

  private explanation({ id, text, description }: Statement, lang: string, { t }: Words): unknown {
    if (!description) return nothing;
    if (description.length <= MAX_OPEN) return html`<p class="long soft" id="d-${id}" lang=${lang}>${linked(description)}</p>`;
    return html`<details>
      <summary>${icon("more")}<span>${t("consents.more")}<span class="quiet">: ${named(text)}</span></span></summary>
      <p class="long" lang=${lang}>${linked(description)}</p>
    </details>`;
  }

  /** One statement, and those that depend on it. */
  private statement(one: Statement, flow: ConsentsFlow, words: Words): TemplateResult {
    const { t } = words;
    const { id } = one;
    const lang = tagOf(flow.display?.locale ?? "");
    const missing = this.isWrong(one, flow);
    const tag = flow.needed.has(id) && !one.read_only ? html`<span class="tag">${t("consents.needed")}</span>` : nothing;
    const wrong = missing ? html`<p class="wrong" id="w-${id}">${t("consents.error")} ${t("consents.pending")}</p>` : nothing;
    const about = [missing ? `w-${id}` : "", one.description && one.description.length <= MAX_OPEN ? `d-${id}` : "", `s-${id}`];
    const described = about.filter(Boolean).join(" ");
    const text = html`<span class="text" lang=${lang}>${linked(one.text)}</span>`;
    const explanation = this.explanation(one, lang, words);
    const state = this.state(one, flow, words);
    const children = one.child_statements.length
      ? html`<div class="children">${one.child_statements.map((child) => this.statement(child, flow, words))}</div>`
      : nothing;

    const context = (): TemplateResult =>
      html`<div class="own">
        <p class="read" id="t-${id}">${text}</p>
        ${explanation} ${state}
        <p class="soft small">${t("consents.context")}</p>
      </div>`;

    const box = (): TemplateResult => {
      const yes = ticked(one);
      const no = yes === ACCEPTED ? REJECTED : ACCEPTED;
      const change = (event: Event): void => flow.pick(one, (event.target as HTMLInputElement).checked ? yes : no);
      return html`<div class="own">
        <label class="check">
          <input type="checkbox" .checked=${live(flow.choice(one) === yes)} aria-describedby=${described} @change=${change} />
          <span id="t-${id}">${text}</span>
        </label>
        ${explanation} ${state}
      </div>`;
    };

    const answer = (choice: Choice, label: string): TemplateResult =>
      html`<label class="answer">
        <input
          type="radio"
          name=${id}
          .checked=${live(flow.choice(one) === choice)}
          aria-invalid=${missing ? "true" : nothing}
          aria-describedby=${described}
          @change=${() => flow.pick(one, choice)}
        />
        <span>${label}</span>
      </label>`;

    if (!one.read_only && !isOptOut(one)) {
      return html`<div class="one ${missing ? "bad" : ""}" id="c-${id}" part="statement">
        <fieldset>
          <legend>${tag === nothing ? text : html`${tag}<br />${text}`}</legend>
          ${wrong} ${explanation}
          <div class="answers">${answer(ACCEPTED, t("consents.accept"))} ${answer(REJECTED, t("consents.reject"))}</div>
          ${state} ${children}
        </fieldset>
      </div>`;
    }
    const own = one.read_only ? context() : box();
    if (children === nothing) return html`<div class="one" id="c-${id}" part="statement">${own}</div>`;
    return html`<div class="one" id="c-${id}" part="statement" role="group" aria-labelledby="t-${id}">${own}${children}</div>`;
  }

  private form(flow: ConsentsFlow, words: Words): TemplateResult {
    const { t, count } = words;
    const statements = flow.display?.statements ?? [];
    const open = flow.statements;
    if (!statements.length) return html`<p>${t("consents.empty")}</p>`;
    const save = (event: Event): void => {
      event.preventDefault();
      const { ip, channel, trace } = this;
      void flow.save({ ip, channel, trace });
    };
    const discard = (): void => {
      flow.discard();
      this.focusOn(".main");
    };
    const all = html`<div class="all">
      ${button({ label: t("consents.accept_all"), press: () => flow.pickAll(ACCEPTED) })}
      ${button({ label: t("consents.reject_all"), press: () => flow.pickAll(REJECTED) })}
    </div>`;
    const unsaved = flow.picked.size;
    return html`<form class="list" novalidate @submit=${save}>
      ${open.length > 1 ? all : nothing} ${statements.map((one) => this.statement(one, flow, words))}
      ${open.length
        ? html`<div class="bar" part="bar">
            ${button({ label: t(flow.saving ? "consents.saving" : "consents.save"), kind: "main", busy: flow.saving })}
            ${unsaved && !flow.saving ? button({ label: t("consents.discard"), kind: "text", press: discard }) : nothing}
            ${unsaved ? html`<span class="soft small">${count("consents.unsaved", unsaved)}</span>` : nothing}
          </div>`
        : nothing}
    </form>`;
  }

  private faulty(flow: ConsentsFlow, words: Words): TemplateResult {
    const { t } = words;
    const { fault, faultId } = flow;
    const retry = (): void => {
      this.retried = true;
      flow.retry();
    };
    return html`<div class="list" data-fault=${fault}>
      <p>${t(`consents.fault_${fault}`)}</p>
      ${faultId ? html`<p class="soft small">${t("consents.reference")} <span class="code">${faultId}</span></p>` : nothing}
      ${fault === "setup" ? nothing : html`<div class="bar" part="bar">${button({ label: t("consents.retry"), kind: "main", press: retry })}</div>`}
    </div>`;
  }

  /** That the texts are not in the language of the words around them. */
  private otherLanguage(flow: ConsentsFlow, { t, lang }: Words): unknown {
    const tag = tagOf(flow.display?.locale ?? "");
    const texts = tag.split("-")[0] ?? "";
    if (!texts || texts.toLowerCase() === lang) return nothing;
    let language = texts;
    try {
      language = new Intl.DisplayNames(lang, { type: "language" }).of(texts) ?? texts;
    } catch {
      // A tag without a name, as those for private use are.
    }
    return html`<p class="soft small">${t("consents.other_language", { language })}</p>`;
  }

  protected override render(): unknown {
    const { flow, words } = this;
    const spin = html`<span class="spin" aria-hidden="true"></span>`;
    if (!words) return html`<div class="page" part="page" aria-busy="true"><div class="loading">${spin}</div></div>`;
    const { t } = words;
    const step = flow?.step ?? "loading";
    const note = step === "form" ? (flow?.note ?? null) : null;
    const content = (): unknown => {
      if (!flow || step === "loading") return html`<div class="loading">${spin}<p class="small">${t("consents.loading")}</p></div>`;
      if (step === "fault") return this.faulty(flow, words);
      return html`${flow.statements.length ? html`<p class="soft">${t("consents.intro")}</p>` : nothing} ${this.otherLanguage(flow, words)}
        ${note?.bad ? this.message(note, words) : nothing} ${this.form(flow, words)}`;
    };
    return html`<div class="page" part="page" lang=${words.lang}>
      <div class="card" part="card" data-step=${step}>
        <slot name="before"></slot>
        <h2 tabindex="-1">${t("consents.title")}</h2>
        ${content()}
        <div class="said" role="status">${note && !note.bad ? this.message(note, words) : nothing}</div>
        <slot name="after"></slot>
      </div>
    </div>`;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "rubrica-consents": RubricaConsents;
  }
}

if (!customElements.get("rubrica-consents")) customElements.define("rubrica-consents", RubricaConsents);
