// Parts that several screens have.

import { html, nothing, type TemplateResult } from "lit";

import type { Flow } from "./flow.js";
import type { Act, Message } from "./host.js";
import { icon } from "./icons.js";
import type { Words } from "./words.js";

/** One step of the page. */
export interface Screen {
  /** Its heading, and the title of the page. */
  title(flow: Flow, words: Words): string;
  body(flow: Flow, words: Words): unknown;
  /** Which of the three things that a signer does: identify, read, sign. */
  place?: 1 | 2 | 3;
  /** Whether it wants the width of the window. */
  wide?: boolean;
  /** The mark above the heading of what is over. */
  mark?(flow: Flow): "tick" | "cross" | "clock";
}

export interface Button {
  label: string;
  /** What it begins: it shows that this is under way. */
  act?: Act;
  kind?: "main" | "danger" | "text";
  /** Without it, it sends the form. */
  press?: () => void;
  /** Why it cannot be pressed now: id of the words. */
  reason?: string;
}

/** A button is never dead: it says why it does nothing. */
export function button(flow: Flow, { label, act, kind, press, reason }: Button): TemplateResult {
  const off = flow.busy !== null || reason !== undefined;
  const pressed = (event: Event): void => {
    if (off) event.preventDefault();
    else press?.();
  };
  return html`<button
    type=${press ? "button" : "submit"}
    part="button${kind === "main" ? " main-button" : ""}"
    class=${kind ?? ""}
    aria-disabled=${off ? "true" : nothing}
    aria-describedby=${reason ?? nothing}
    @click=${pressed}
  >
    ${act && flow.busy === act ? html`<span class="spin" aria-hidden="true"></span>` : nothing}${label}
  </button>`;
}

export const bar = (...buttons: unknown[]): TemplateResult => html`<div class="bar" part="bar">${buttons}</div>`;

/** Until something is there. */
export const loading = ({ t }: Words): TemplateResult =>
  html`<div class="loading"><span class="spin" aria-hidden="true"></span><p class="soft small">${t("general.loading")}</p></div>`;

/** A form that goes nowhere: what it has is taken here. */
export function form(run: (data: FormData) => void, content: unknown): TemplateResult {
  const submitted = (event: SubmitEvent): void => {
    event.preventDefault();
    run(new FormData(event.currentTarget as HTMLFormElement));
  };
  return html`<form novalidate @submit=${submitted}>${content}</form>`;
}

/** The words of a message. */
export const said = (words: Words, { key, values }: Message): string => words.t(key, values);

/** The message at a field, if it is about this one. */
export function wrong(flow: Flow, words: Words, field: string): TemplateResult | typeof nothing {
  const { message } = flow;
  if (message?.field !== field) return nothing;
  return html`<p class="wrong" id="${field}-wrong">${words.t("problem.error")} ${said(words, message)}</p>`;
}

/** Ids of what describes a field. */
export function described(flow: Flow, field: string, ...others: string[]): string | typeof nothing {
  const ids = flow.message?.field === field ? [`${field}-wrong`, ...others] : others;
  return ids.length ? ids.join(" ") : nothing;
}

export const isWrong = (flow: Flow, field: string): boolean => flow.message?.field === field;

/** The tenant, by whatever name there is. */
export const tenant = (flow: Flow, words: Words): string => flow.invitation?.tenant.name ?? words.t("general.sender");

const dialled = (phone: string): string => `tel:${phone.replace(/[^\d+]/g, "")}`;

/** How to reach whoever asks for the signature: on every screen in the same place. */
export function contact(flow: Flow, words: Words): TemplateResult {
  const { contact_email, contact_phone, privacy_url } = flow.invitation?.tenant ?? {};
  const name = tenant(flow, words);
  const privacy = privacy_url
    ? html`<a href=${privacy_url} target="_blank" rel="noopener noreferrer">${words.t("contact.privacy", { tenant: name })}</a>`
    : nothing;
  if (!contact_email && !contact_phone) return html`<p>${words.t("contact.none", { tenant: name })}</p>${privacy}`;
  return html`<p>${words.t("contact.ask", { tenant: name })}</p>
    ${contact_email ? html`<a href="mailto:${contact_email}">${contact_email}</a>` : nothing}
    ${contact_phone ? html`<a href=${dialled(contact_phone)}>${contact_phone}</a>` : nothing} ${privacy}`;
}

/** The tenant at the top of each screen: its logo, or its name. */
export function sender(flow: Flow | null): TemplateResult | string {
  const { name, logo } = flow?.invitation?.tenant ?? {};
  if (!flow || !logo) return name ?? "";
  return html`<img class="logo" src=${flow.api.base + logo} alt=${name ?? ""} />`;
}

/** The one thing to do where all that is left is to ask: by mail or phone if they are known. */
export function ask(flow: Flow, words: Words, ...others: TemplateResult[]): TemplateResult | typeof nothing {
  const { contact_email, contact_phone } = flow.invitation?.tenant ?? {};
  const address = contact_email ? `mailto:${contact_email}` : contact_phone ? dialled(contact_phone) : null;
  if (address === null) return others.length ? bar(...others) : nothing;
  const label = words.t("contact.write", { tenant: tenant(flow, words) });
  return bar(html`<a class="button main" part="button main-button" href=${address}>${label}</a>`, ...others);
}

/** Names of the documents. */
export function files(flow: Flow, words: Words): TemplateResult {
  return html`<ul class="files">
    ${flow.invitation?.documents.map(({ name, size, pages, preview_only }) => {
      const facts = [
        pages === null ? "" : words.count("view.pages", pages),
        size === null ? "" : words.size(size),
        preview_only ? words.t("documents.preview_only") : "",
      ].filter(Boolean);
      return html`<li>
        ${icon("file")}<span>${name}${facts.length ? html`<br /><span class="soft small">${facts.join(" · ")}</span>` : nothing}</span>
      </li>`;
    })}
  </ul>`;
}
