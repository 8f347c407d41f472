// S7, S8a and S9: the documents are read, signed, or declined.

import { html, nothing, type TemplateResult } from "lit";

import "./view.js";
import type { Flow } from "./flow.js";
import type { Reading } from "./host.js";
import { bar, button, described, files, form, isWrong, loading, tenant, wrong, type Screen } from "./parts.js";
import type { Words } from "./words.js";

export const read: Screen = {
  place: 2,
  wide: true,
  title: (flow, words) => words.count("read.title", flow.invitation?.documents.length ?? 1),

  body(flow, words) {
    const { t } = words;
    const { detail } = flow;
    const back = button(flow, { label: t("general.back"), press: () => flow.go("invitation") });
    if (!detail) {
      const failed = flow.message !== null;
      const again = button(flow, { label: t("problem.retry"), kind: "main", press: () => flow.go("read") });
      return html`<div class="flow">
        ${failed ? nothing : loading(words)}
        ${bar(failed ? again : nothing, back)}
      </div>`;
    }
    const documents = [
      ...detail.preview_documents.map((document) => ({ ...document, preview: true })),
      ...detail.signable_documents.map((document) => ({ ...document, preview: false })),
    ];
    return html`<div class="flow">
      <p>${t("read.text")}</p>
      ${documents.map(
        ({ name, url, preview }, number) =>
          html`<rubrica-document
            .words=${words}
            .name=${name}
            .url=${flow.api.here(url)}
            ?preview=${preview}
            @rubrica-reading=${(event: CustomEvent<Partial<Reading>>) => flow.note(number, event.detail)}
            @rubrica-stale=${() => flow.renew()}
          ></rubrica-document>`,
      )}
      ${bar(button(flow, { label: words.count("read.done", documents.length), act: "read", kind: "main", press: () => void flow.confirmRead() }), back)}
    </div>`;
  },
};

/** What is signed, what that means, and the box to tick. */
export function acceptance(flow: Flow, words: Words): TemplateResult {
  const { t } = words;
  const ticked = (event: Event): void => {
    flow.accepted = (event.target as HTMLInputElement).checked;
    if (flow.accepted && isWrong(flow, "accept")) flow.say(null);
  };
  return html`<section class="box" aria-labelledby="documents">
      <h2 id="documents">${words.count("documents.count", flow.invitation?.documents.length ?? 1)}</h2>
      ${files(flow, words)}
    </section>
    <p>${t("sign.text", { tenant: tenant(flow, words), name: flow.invitation?.signer.name ?? "" })}</p>
    <div class="field ${isWrong(flow, "accept") ? "bad" : ""}">
      ${wrong(flow, words, "accept")}
      <label class="check" for="accept">
        <input
          id="accept"
          type="checkbox"
          required
          aria-invalid=${isWrong(flow, "accept") ? "true" : nothing}
          aria-describedby=${described(flow, "accept")}
          .checked=${flow.accepted}
          @change=${ticked}
        />
        <span>${words.count("sign.accept", flow.invitation?.documents.length ?? 1)}</span>
      </label>
    </div>`;
}

/** To sign, to decline, or to go back. */
export const acts = (flow: Flow, { t }: Words): TemplateResult =>
  bar(
    button(flow, { label: t("sign.sign"), act: "sign", kind: "main" }),
    button(flow, { label: t("decline.begin"), press: () => flow.go("decline") }),
    button(flow, { label: t("general.back"), press: () => flow.go("read") }),
  );

export const accept: Screen = {
  place: 3,
  title: (_, words) => words.t("sign.title"),
  body: (flow, words) => form(() => void flow.sign(), html`${acceptance(flow, words)} ${acts(flow, words)}`),
};

/** The server's bound of a reason, in characters. */
const MAX_REASON = 500;

export const decline: Screen = {
  title: (_, words) => words.t("decline.title"),

  body(flow, words) {
    const { t } = words;
    const others = (flow.invitation?.signer.count ?? 1) > 1;
    return form(
      () => void flow.decline(flow.reason),
      html`<p>${t("decline.text", { tenant: tenant(flow, words) })}</p>
        <div class="field ${isWrong(flow, "reason") ? "bad" : ""}">
          <label for="reason">${t("decline.reason")}</label>
          <p class="soft small" id="reason-hint">
            ${t(others ? "decline.who_reads_all" : "decline.who_reads", { tenant: tenant(flow, words) })}
          </p>
          ${wrong(flow, words, "reason")}
          <textarea
            id="reason"
            part="field"
            maxlength=${MAX_REASON}
            required
            aria-invalid=${isWrong(flow, "reason") ? "true" : nothing}
            aria-describedby=${described(flow, "reason", "reason-hint", "reason-left")}
            .value=${flow.reason}
            @input=${(event: Event) => {
              flow.reason = (event.target as HTMLTextAreaElement).value;
              flow.say(isWrong(flow, "reason") && flow.reason.trim() === "" ? flow.message : null);
            }}
          ></textarea>
          <p class="soft small" id="reason-left">${words.count("decline.left", MAX_REASON - flow.reason.length)}</p>
        </div>
        ${bar(
          button(flow, { label: t("decline.decline"), act: "decline", kind: "danger" }),
          button(flow, { label: t("general.back"), press: () => flow.reconsider() }),
        )}`,
    );
  },
};
