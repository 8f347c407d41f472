// S8b, an extra: the signer signs by hand. What is drawn is looked at before it is sent; what the server refuses is said in the same words.

import type { Problem } from "./api.js";
import { load, type Extra } from "./extra.js";
import type { Flow } from "./flow.js";
import { weakness, type Weakness } from "./gate.js";
import type { Message } from "./host.js";
import { base64url, link } from "./keep.js";
import type { Kit } from "./kit.js";
import { Pad, type News } from "./pad.js";
import type { QrCode } from "./qr.js";
import { style } from "./style_hand.js";
import type { Key, Words } from "./words.js";

/** The server's bounds of what was drawn and of its picture, in characters. */
const MAX_SAMPLE = 300 * 1_024;
const MAX_IMAGE = 500 * 1_024;

/** Id of the box. */
const FIELD = "pad";

const WORDS: Record<Weakness, Key> = {
  empty: "hand.missing",
  short: "hand.short",
  small: "hand.small",
  straight: "hand.straight",
  coarse: "hand.coarse",
};

/** Figures that the server names where it finds one too low. */
const FIGURES: Record<string, Weakness> = {
  points: "small",
  distinct_positions: "small",
  width_of_pad: "small",
  spread: "straight",
  turning: "straight",
  duration: "short",
};

/** What the server says of a handwriting that it does not take. */
function refused({ status, details }: Problem): Message | null {
  const at = (key: Key): Message => ({ key, field: FIELD });
  if (status === 409 && details.includes("biometric_data")) return at("hand.used");
  if (status === 413 || (status === 400 && details.includes("at most"))) return at("hand.too_large");
  if (status !== 400) return null;
  if (details.includes("longer than")) return at("hand.long");
  const weak = FIGURES[/biometric_data: (\w+): /.exec(details)?.[1] ?? ""];
  return at(weak ? WORDS[weak] : "hand.refused");
}

/** The link of this page with its secret, as far as the page has it; it is for another device of the same signer. */
function ownLink({ api }: Flow): string | null {
  const secret = link(api.sign);
  if (!secret) return null;
  const bytes = api.sign.replaceAll("-", "").match(/../g) ?? [];
  const short = base64url(Uint8Array.from(bytes, (byte) => parseInt(byte, 16)));
  return `${api.base}/s/${encodeURIComponent(api.org)}/${short}#k=${secret}`;
}

/** The step for one flow. What is drawn is kept until it is signed or over, also while the signer looks at something else. */
export default function hand(kit: Kit, flow: Flow): Extra {
  const { html, nothing, icon, contact, button, described, form, isWrong, tenant, wrong, acceptance, acts } = kit;
  const heard = (news: News): void => flow.say(news === "over" ? { key: "hand.over", field: FIELD } : flow.message);
  const pad = new Pad(heard, () => flow.busy !== null);

  /** For another device; `undefined` until it is wanted. */
  let code: QrCode | null | undefined;

  const drawn = (): Message => {
    const n = pad.strokes.length;
    return n === 0 ? { key: "hand.none" } : { key: n === 1 ? "hand.strokes.one" : "hand.strokes.other", values: { n } };
  };

  const change = (run: () => void): void => {
    run();
    flow.say(isWrong(flow, FIELD) ? null : flow.message);
    flow.announce(drawn());
  };

  const sign = (): void => {
    const weak = weakness(pad.strokes);
    if (weak) return flow.say({ key: WORDS[weak], field: FIELD });
    const writing = { biometric_data: pad.record(), signature_image: pad.image() };
    const fits = writing.biometric_data.length <= MAX_SAMPLE && writing.signature_image.length <= MAX_IMAGE;
    if (!fits) return flow.say({ key: "hand.too_large", field: FIELD });
    void flow.sign(() => flow.api.signs(writing), refused);
  };

  const opened = async (event: Event): Promise<void> => {
    const url = ownLink(flow);
    if (!(event.currentTarget as HTMLDetailsElement).open || code || !url) return;
    try {
      code = (await load<(text: string) => QrCode | null>(QR))(url);
    } catch {
      // Without a connection there are words alone; opened again, it is tried again.
      code = null;
    }
    flow.say(flow.message);
  };

  /** For who cannot draw here, or not at all. */
  const otherWays = (words: Words): unknown => {
    const { t } = words;
    const name = { tenant: tenant(flow, words) };
    const picture = (): unknown => {
      if (!code) return nothing;
      const side = code.size + 8;
      return html`<svg class="qr" viewBox="0 0 ${side} ${side}" role="img" aria-label=${t("hand.code")} shape-rendering="crispEdges">
          <path fill="#fff" d="M0 0h${side}v${side}H0z" />
          <path fill="#000" transform="translate(4 4)" d=${code.path} />
        </svg>
        <p class="soft small">${t("hand.code_secret")}</p>`;
    };
    return html`<details @toggle=${opened}>
      <summary>${icon("more")}${t("hand.cannot")}</summary>
      <div>
        <p>${t(code ? "hand.with_code" : "hand.with_link", name)}</p>
        ${picture()}
        <p>${t("hand.not_at_all", name)}</p>
        ${contact(flow, words)}
      </div>
    </details>`;
  };

  const body = (_: Flow, words: Words): unknown => {
    const { t } = words;
    const { key, values } = drawn();
    const state = t(key, values);
    const tool = (name: "undo" | "clear"): unknown =>
      button(flow, {
        label: t(`hand.${name}`),
        press: () => change(() => pad[name]()),
        ...(pad.isEmpty ? { reason: "drawn" } : {}),
      });
    return form(
      sign,
      html`<div class="hand ${isWrong(flow, FIELD) ? "bad" : ""}">
          <p id="hint">${t("hand.hint")}</p>
          ${wrong(flow, words, FIELD)}
          <div
            id=${FIELD}
            class="pad"
            role="img"
            tabindex="-1"
            aria-label="${t("hand.pad")} ${state}"
            aria-describedby=${described(flow, FIELD, "hint")}
          >
            ${pad.canvas}
          </div>
          <div class="pad-tools">
            ${tool("undo")} ${tool("clear")}
            <span class="soft small" id="drawn">${state}</span>
          </div>
          ${otherWays(words)}
        </div>
        <p class="soft small">${t("hand.recorded")}</p>
        ${acceptance(flow, words)} ${acts(flow, words)}`,
    );
  };

  const screen = { place: 3, title: (_: Flow, words: Words) => words.t("sign.title"), body } as const;
  return { style, screens: { sign: screen }, close: () => pad.close() };
}
