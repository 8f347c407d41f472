// S10 and S11: what is over, and what cannot begin. Each says what to do next.

import { html, nothing, type TemplateResult } from "lit";

import type { Flow } from "./flow.js";
import { icon } from "./icons.js";
import { ask, bar, button, tenant, type Screen } from "./parts.js";
import type { Download } from "./types.js";
import type { Words } from "./words.js";

/** What is sealed, to be kept. */
function downloads(found: readonly Download[], flow: Flow, words: Words): TemplateResult {
  const { t } = words;
  return html`<section class="box" aria-labelledby="downloads">
      <h2 id="downloads">${t("signed.downloads")}</h2>
      <ul class="files">
        ${found.map(
          ({ name, url }) =>
            html`<li>${icon("down")}<a href=${flow.api.here(url)} download=${name}>${t("read.download_named", { name })}</a></li>`,
        )}
      </ul>
    </section>
    <p>${t("signed.keep")}</p>`;
}

export const signed: Screen = {
  mark: () => "tick",
  title: (_, words) => words.t("signed.title"),

  body(flow, words) {
    const { t } = words;
    const shown = flow.invitation;
    if (!shown) return nothing;
    const { others, process_status, ended } = shown;
    const name = tenant(flow, words);
    const state = (): unknown => {
      if (ended && ended.why !== "FAILED") return html`<p class="note">${t(`signed.${ended.why === "EXPIRED" ? "expired" : "stopped"}`, { tenant: name })}</p>`;
      if (process_status === "FAILED") return html`<p class="note bad">${t("signed.seal_failed", { tenant: name })}</p>`;
      if (shown.sealed && flow.downloads?.length) return downloads(flow.downloads, flow, words);
      if (shown.sealed && flow.downloads) return html`<p class="note">${t("signed.elsewhere", { tenant: name })}</p>`;
      if (others.pending) {
        return html`<p>${words.count("signed.others", others.pending)}</p>
          <p>${t("signed.others_then", { tenant: name })}</p>`;
      }
      return html`<p><span class="spin" aria-hidden="true"></span> ${t("signed.sealing")}</p>
        <p>${t("signed.come_back")}</p>`;
    };
    return html`<div class="flow" aria-live="polite">
      <p>${t("signed.text", { when: words.moment(shown.signed_at ?? shown.now), tenant: name })}</p>
      ${state()}
    </div>`;
  },
};

const WHY = { DECLINED: "declined", CANCELLED: "cancelled", EXPIRED: "expired", FAILED: "failed" } as const;

/** How it ended: the contract's word, and whose act it was. */
function end(flow: Flow): "declined_by_you" | (typeof WHY)[keyof typeof WHY] {
  const { ended, process_status, identification } = flow.invitation ?? {};
  if (ended) return ended.why === "DECLINED" && ended.by_you ? "declined_by_you" : WHY[ended.why];
  if (process_status === "CANCELLED" || identification?.status === "CANCELLED") return "cancelled";
  return process_status === "EXPIRED" || identification?.status === "EXPIRED" ? "expired" : "failed";
}

export const ended: Screen = {
  mark: (flow) => (end(flow) === "expired" ? "clock" : "cross"),
  title: (flow, words) => words.t(`ended.${end(flow)}`),

  body(flow, words) {
    const { t } = words;
    const how = end(flow);
    const { ended: over, identification, until } = flow.invitation ?? {};
    const name = tenant(flow, words);
    const at = over?.at ?? (how === "expired" ? until : null);
    const code = how === "failed" && identification?.type === "OTP" && identification.status === "FAILED";
    return html`<div class="flow">
      ${at ? html`<p>${t(how === "expired" ? "ended.expired_at" : "ended.at", { when: words.moment(at) })}</p>` : nothing}
      ${how === "declined_by_you" && over?.reason ? html`<div class="box"><h2>${t("ended.your_reason")}</h2><p>${over.reason}</p></div>` : nothing}
      <p>${t(code ? "ended.failed_code" : `ended.${how}_text`, { tenant: name })}</p>
      ${how === "declined_by_you" || how === "declined" ? nothing : ask(flow, words)}
    </div>`;
  },
};

/** There is no invitation to show. */
export const fault: Screen = {
  mark: () => "cross",
  title: (flow, words) => words.t(`fault.${flow.fault ?? "down"}`),

  body(flow, words) {
    const { t } = words;
    const kind = flow.fault ?? "down";
    const again = kind === "down" || kind === "session";
    // An address that names no signature says not even what could be sent again.
    const known = flow.api.sign.length === 36;
    const next = again
      ? button(flow, { label: t("problem.retry"), act: "retry", kind: "main", press: () => void flow.retry() })
      : button(flow, { label: t("fault.send_link"), act: "link", kind: "main", press: () => void flow.newLink() });
    return html`<div class="flow">
      <p>${t(`fault.${kind}_text`)}</p>
      ${flow.faultId && kind === "down" ? html`<p class="soft small">${t("problem.reference")} <span class="code">${flow.faultId}</span></p>` : nothing}
      ${flow.linkSent ? html`<p class="note">${t("fault.link_sent")}</p>` : again || known ? bar(next) : nothing}
    </div>`;
  },
};
