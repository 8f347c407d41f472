// S1: who asks, what for, until when. Nothing is asked for yet, and nothing is recorded.

import { html, nothing } from "lit";

import { icon } from "./icons.js";
import { bar, button, files, tenant, type Screen } from "./parts.js";
import { underWay } from "./steps.js";

/** How the signer is identified, in words. */
const WAY = { OTP: "invitation.way_code", AGENT: "invitation.way_desk", IDENTITY_DOCUMENT: "invitation.way_card" } as const;

export const invitation: Screen = {
  title: (flow, words) => words.t("invitation.title", { tenant: tenant(flow, words) }),

  body(flow, words) {
    const { t } = words;
    const shown = flow.invitation;
    if (!shown) return nothing;
    const { signer, others, until, documents } = shown;
    const name = tenant(flow, words);
    const back = underWay(shown);
    return html`<div class="flow">
      ${back ? html`<p class="note">${t("invitation.back")}</p>` : nothing}
      ${signer.name ? html`<p>${t("invitation.for", { name: signer.name })}</p>` : nothing}
      <section class="box" aria-labelledby="documents">
        <h2 id="documents">${words.count("documents.count", documents.length)}</h2>
        ${files(flow, words)}
      </section>
      ${until ? html`<p>${t("invitation.until", { until: words.moment(until) })}</p>` : nothing}
      ${signer.count > 1 ? html`<p>${words.count("invitation.others", others.signed, { count: signer.count })}</p>` : nothing}
      <section class="flow" aria-labelledby="way">
        <h2 id="way">${t("invitation.way")}</h2>
        <ol class="steps">
          <li>${t(WAY[shown.identification.type])}</li>
          <li>${t("invitation.way_read")}</li>
          <li>${t("invitation.way_sign")}</li>
        </ol>
      </section>
      <details>
        <summary>${icon("more")}${t("invitation.not_you")}</summary>
        <div>
          <p>${signer.name ? t("invitation.not_you_named", { name: signer.name, tenant: name }) : t("invitation.not_you_text", { tenant: name })}</p>
          ${button(flow, { label: t("decline.begin"), press: () => flow.go("decline") })}
        </div>
      </details>
      ${bar(
        button(flow, { label: back ? t("invitation.go_on") : t("invitation.continue"), kind: "main", press: () => flow.go("on") }),
      )}
    </div>`;
  },
};
