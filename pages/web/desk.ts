// S5, an extra: somebody of the tenant identifies the signer. The page shows what the desk finds them by, and goes on by itself.

import { load, type Extra } from "./extra.js";
import type { Flow } from "./flow.js";
import type { Kit } from "./kit.js";
import type { Screen } from "./parts.js";
import type { QrCode } from "./qr.js";
import { identified } from "./steps.js";
import { style } from "./style_desk.js";
import type { Words } from "./words.js";

/** The quiet zone around a QR code, in modules. */
const QUIET = 4;

/** The step for one flow. */
export default function desk(kit: Kit, flow: Flow): Extra {
  const { html, nothing, ask, bar, button, tenant } = kit;

  /** The code of which a picture was asked for, and the picture once there is one. */
  let drawn: { code: string; picture: QrCode | null } | null = null;

  const draw = async (code: string): Promise<void> => {
    if (drawn?.code === code) return;
    const own = { code, picture: null as QrCode | null };
    drawn = own;
    try {
      own.picture = (await load<(text: string) => QrCode | null>(QR))(`${flow.api.base}/desk?code=${code}`);
      flow.say(flow.message);
    } catch {
      // Without it there is the code in letters; it is drawn once the signer comes to this step again.
    }
  };

  const picture = (words: Words): unknown => {
    if (!drawn?.picture) return nothing;
    const { size, path } = drawn.picture;
    const side = size + 2 * QUIET;
    return html`<svg class="qr" viewBox="0 0 ${side} ${side}" role="img" aria-label=${words.t("desk.qr")} shape-rendering="crispEdges">
      <path fill="#fff" d="M0 0h${side}v${side}H0z" />
      <path fill="#000" transform="translate(${QUIET} ${QUIET})" d=${path} />
    </svg>`;
  };

  const done = (words: Words): unknown =>
    html`<div class="flow">
      <p>${words.t("desk.done_text", { tenant: tenant(flow, words) })}</p>
      ${ask(flow, words)}
    </div>`;

  const waiting = (words: Words): unknown => {
    const { t } = words;
    const { identification, until } = flow.invitation!;
    const code = identification.desk_code;
    if (code) void draw(code);
    return html`<div class="flow">
      <p>${t("desk.text", { tenant: tenant(flow, words) })}</p>
      ${code
        ? html`<div class="desk box">
            <p class="soft small">${t("desk.code")}</p>
            <p class="desk-code"><span aria-hidden="true">${code.slice(0, 3)} ${code.slice(3)}</span><span class="quiet">${[...code].join(" ")}</span></p>
            ${picture(words)}
          </div>`
        : nothing}
      <p><span class="spin" aria-hidden="true"></span> ${t("desk.follows")}</p>
      ${until ? html`<p class="soft small">${t("invitation.until", { until: words.moment(until) })}</p>` : nothing}
      ${bar(button(flow, { label: t("general.back"), press: () => flow.go("invitation") }))}
    </div>`;
  };

  const isDone = (): boolean => flow.invitation !== null && identified(flow.invitation);
  const screen: Screen = {
    place: 1,
    title: (_, words) => (isDone() ? words.t("desk.done") : words.t("desk.title", { tenant: tenant(flow, words) })),
    body: (_, words) => (isDone() ? done(words) : waiting(words)),
  };
  return { style, screens: { desk: screen }, close: () => (drawn = null) };
}
