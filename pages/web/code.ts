// S2 and S3: a code is asked for, and answered.

import { html, nothing, type TemplateResult } from "lit";

import type { Flow } from "./flow.js";
import { bar, button, described, form, isWrong, tenant, wrong, type Screen } from "./parts.js";
import type { Otp } from "./types.js";
import type { Words } from "./words.js";

const CHANNEL = { SMS: "channel.sms", EMAIL: "channel.email", WHATSAPP: "channel.whatsapp" } as const;

const otpOf = (flow: Flow): Otp | null => flow.invitation?.identification.otp ?? null;

/** Seconds until another code may be asked for. */
export function secondsLeft(flow: Flow): number {
  const next = otpOf(flow)?.next_challenge_at;
  return next ? Math.max(0, Math.ceil((Date.parse(next) - flow.now()) / 1_000)) : 0;
}

/** The field of the second factor. */
function factor(flow: Flow, words: Words, otp: Otp): TemplateResult | typeof nothing {
  if (otp.second_factor === null) return nothing;
  const email = otp.second_factor === "EMAIL";
  return html`<div class="field ${isWrong(flow, "factor") ? "bad" : ""}">
    <label for="factor">${words.t(email ? "ask.factor_email" : "ask.factor_document")}</label>
    <p class="soft small" id="factor-hint">${words.t("ask.factor_hint", { tenant: tenant(flow, words) })}</p>
    ${wrong(flow, words, "factor")}
    <input
      id="factor"
      name="factor"
      part="field"
      type=${email ? "email" : "text"}
      autocomplete=${email ? "email" : "off"}
      autocapitalize=${email ? "none" : "characters"}
      spellcheck="false"
      maxlength="254"
      required
      aria-invalid=${isWrong(flow, "factor") ? "true" : nothing}
      aria-describedby=${described(flow, "factor", "factor-hint")}
      .value=${flow.secondFactor ?? ""}
    />
  </div>`;
}

/** What was typed, or `undefined` when a second factor is missing, which is then told. */
function typed(flow: Flow, data: FormData): string | null | undefined {
  const otp = otpOf(flow);
  if (!otp || otp.second_factor === null) return null;
  const value = String(data.get("factor") ?? flow.secondFactor ?? "").trim();
  if (value !== "") return value;
  flow.say({ key: "ask.factor_missing", field: "factor" });
  return undefined;
}

const left = (words: Words, otp: Otp): TemplateResult | typeof nothing =>
  otp.challenges_left > 2 ? nothing : html`<p class="soft small">${words.count("ask.left", otp.challenges_left)}</p>`;

/** Words on when another code can be had. */
const wait = (flow: Flow, words: Words, id: string): TemplateResult | typeof nothing => {
  const seconds = secondsLeft(flow);
  return seconds > 0 ? html`<p class="soft small" id=${id}>${words.count("ask.wait", seconds)}</p>` : nothing;
};

export const codeAsk: Screen = {
  place: 1,
  title: (flow, words) => words.t(flow.again ? "ask.title_again" : "ask.title"),

  body(flow, words) {
    const { t } = words;
    const otp = otpOf(flow);
    if (!otp) return html`<p>${t("general.loading")}</p>`;
    const values = { channel: t(CHANNEL[otp.channel]), destination: otp.destination, tenant: tenant(flow, words) };
    const back = button(flow, { label: t("general.back"), press: () => flow.go("invitation") });
    if (otp.challenges_left === 0) {
      return html`<div class="flow">
        <p>${t("ask.none_left")}</p>
        <p>${t("ask.none_left_next", values)}</p>
        ${bar(back)}
      </div>`;
    }
    const waits = secondsLeft(flow) > 0;
    const send = (data: FormData): void => {
      const value = typed(flow, data);
      if (value !== undefined) void flow.askCode(value);
    };
    return form(
      send,
      html`${flow.again ? html`<p class="note">${t("ask.again")}</p>` : nothing}
        <p>${t(otp.external ? "ask.external" : "ask.text", values)}</p>
        <p>${t("ask.why", values)}</p>
        ${otp.needs_contact_check ? html`<p class="note">${t("ask.contact_check", values)}</p>` : nothing}
        ${factor(flow, words, otp)} ${left(words, otp)} ${wait(flow, words, "wait")}
        ${bar(
          button(flow, {
            label: t(otp.external ? "ask.send_external" : "ask.send"),
            act: "code",
            kind: "main",
            ...(waits ? { reason: "wait" } : {}),
          }),
          back,
        )}`,
    );
  },
};

/** How the message with the code fares. */
function delivery(flow: Flow, words: Words, otp: Otp): TemplateResult | typeof nothing {
  const { t } = words;
  if (otp.external) return nothing;
  const at = otp.delivered_at ? words.time(otp.delivered_at) : "";
  switch (otp.delivery) {
    case "FAILED":
      return html`<p class="note bad">
        ${t("answer.failed", { destination: otp.destination, tenant: tenant(flow, words) })}
      </p>`;
    case "DELIVERED":
    case "READ":
      return html`<p class="soft small">${at ? t("answer.delivered_at", { time: at }) : t("answer.delivered")}</p>`;
    default:
      return html`<p class="soft small">${t("answer.on_its_way")}</p>`;
  }
}

export const codeAnswer: Screen = {
  place: 1,
  title: (_, words) => words.t("answer.title"),

  body(flow, words) {
    const { t } = words;
    const otp = otpOf(flow);
    if (!otp) return html`<p>${t("general.loading")}</p>`;
    const values = { channel: t(CHANNEL[otp.channel]), destination: otp.destination, tenant: tenant(flow, words) };
    const answer = (data: FormData): void => {
      const factorValue = typed(flow, data);
      if (factorValue === undefined) return;
      const code = String(data.get("code") ?? "").replace(/[\s.-]/g, "");
      if (code === "") flow.say({ key: "answer.missing", field: "code" });
      else if (/^\d+$/.test(code) && code.length === otp.digits) void flow.answerCode(code, factorValue);
      else flow.say({ key: "answer.not_digits", values: { n: otp.digits }, field: "code" });
    };
    const seconds = secondsLeft(flow);
    const none = otp.challenges_left === 0;
    const resend = (): void => {
      if (otp.second_factor !== null && flow.secondFactor === null) flow.go("code_ask");
      else void flow.askCode(flow.secondFactor);
    };
    return form(
      answer,
      html`<p>${t(otp.external ? "answer.external" : "answer.text", values)}</p>
        ${delivery(flow, words, otp)}
        ${flow.secondFactor === null ? factor(flow, words, otp) : nothing}
        <div class="field ${isWrong(flow, "code") ? "bad" : ""}">
          <label for="code">${t("answer.code")}</label>
          ${otp.code_expires_at
            ? html`<p class="soft small" id="code-hint">${t("answer.valid_until", { time: words.time(otp.code_expires_at) })}</p>`
            : nothing}
          ${wrong(flow, words, "code")}
          <input
            id="code"
            name="code"
            part="field"
            class="digits"
            type="text"
            inputmode="numeric"
            autocomplete="one-time-code"
            spellcheck="false"
            maxlength="24"
            required
            aria-invalid=${isWrong(flow, "code") ? "true" : nothing}
            aria-describedby=${described(flow, "code", ...(otp.code_expires_at ? ["code-hint"] : []))}
          />
        </div>
        <div class="resend">
          ${none
            ? html`<p class="soft small">${t("ask.none_left_next", values)}</p>`
            : html`${button(flow, {
                label: t("answer.again"),
                act: "code",
                kind: "text",
                press: resend,
                ...(seconds > 0 ? { reason: "wait" } : {}),
              })}
              ${wait(flow, words, "wait")} ${left(words, otp)}`}
        </div>
        ${bar(
          button(flow, { label: t("answer.check"), act: "answer", kind: "main" }),
          button(flow, { label: t("general.back"), press: () => flow.go("invitation") }),
        )}`,
    );
  },
};
