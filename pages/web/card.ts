// S4, an extra: the signer sends pictures of an identity document, which the server has checked. One thing at a time: which document, each side,
// and a look at what was taken. Pictures are in memory alone, and gone once they have done their work.

import type { Problem } from "./api.js";
import { Camera, type Off } from "./camera.js";
import type { Extra } from "./extra.js";
import type { Flow } from "./flow.js";
import type { Message } from "./host.js";
import type { Kit } from "./kit.js";
import type { Screen } from "./parts.js";
import { opened, taken, type Flaw, type Photo } from "./photo.js";
import { identified } from "./steps.js";
import { style } from "./style_card.js";
import type { DocumentCheck } from "./types.js";
import type { Key, Words } from "./words.js";

/** How long the answer may take, in milliseconds: a provider has five minutes at most, besides the way of the pictures. */
const PATIENCE = 360_000;

/** Width to height of a card (ISO/IEC 7810, ID-1), and of a page of a passport (ID-3). */
const RATIO = { card: 1.586, passport: 1.42 } as const;

/** Id of what messages are about. */
const FIELD = "picture";

type Kind = keyof typeof RATIO;
type Side = "front" | "back";
type Place = "choose" | Side | "look";

const OFF: Record<Off, Key> = {
  refused: "card.camera_refused",
  none: "card.camera_none",
  busy: "card.camera_busy",
  rested: "card.camera_rested",
};

const FLAWS: Record<Flaw, Key> = { unreadable: "card.unreadable", large: "card.large", small: "card.small" };

/** Checks as the server and its providers name them, and what they mean for the signer. */
const CHECKS: Record<string, Key> = {
  MRZ_READABLE: "card.why_zone",
  MRZ_CONTROL_DIGIT: "card.why_digits",
  MRZ_DATES: "card.why_dates",
  DOCUMENT_EXPIRED: "card.why_expired",
  COUNTRY_CODES: "card.why_digits",
  NATIONAL_NUMBER: "card.why_digits",
  DECLARED_DATA: "card.why_declared",
  DECLARED_NUMBER: "card.why_declared",
  FRONT_BACK: "card.why_sides",
  REUSE: "card.why_reuse",
  FOCUS: "card.why_focus",
  GLARE: "card.why_glare",
  RESOLUTION: "card.why_far",
  ASPECT: "card.why_far",
  PHOTOCOPY: "card.why_copy",
  SCREEN_RECAPTURE: "card.why_screen",
  EDITING_TRACES: "card.why_edited",
};

/** What speaks against the newest pictures, each reason once. */
function reasons({ fail_reason, failed_checks }: NonNullable<DocumentCheck["last"]>): Key[] {
  if (fail_reason !== null) return [fail_reason === "IMAGE_UNREADABLE" ? "card.why_unreadable" : "card.why_provider"];
  const known = failed_checks.map((name): Key => CHECKS[name] ?? "card.why_other");
  return known.length ? [...new Set(known)] : ["card.why_other"];
}

/** The step for one flow. */
export default function card(kit: Kit, flow: Flow): Extra {
  const { html, nothing, ask, bar, button, described, form, isWrong, loading, tenant, wrong, send } = kit;

  let kind: Kind | null = null;
  let place: Place = "choose";
  const photos = new Map<Side, Photo>();
  /** What asks for a file; browsers forget one that nobody holds. */
  let picker: HTMLInputElement | null = null;
  /** Why the camera is off. */
  let off: Off | null = null;
  const camera = new Camera((why) => {
    off = why;
    if (why === null && camera.hint) flow.announce({ key: `card.hint_${camera.hint}` });
    flow.say(flow.message);
  });

  const check = (): DocumentCheck | null => flow.invitation?.identification.document ?? null;
  const chosen = (): Kind => kind ?? (check()?.document_type === "PASSPORT" ? "passport" : "card");
  const sides = (): readonly Side[] => (chosen() === "card" ? ["front", "back"] : ["front"]);
  const sideKey = (side: Side): "front" | "back" | "page" => (chosen() === "passport" ? "page" : side);

  const forget = (): void => {
    camera.close();
    photos.clear();
    picker = null;
    place = "choose";
    off = null;
  };

  const go = (to: Place): void => {
    camera.close();
    off = null;
    place = to;
    flow.say(null);
  };

  /** To the first side of which there is no picture, or to look at them all. */
  const onward = (): void => go(sides().find((side) => !photos.has(side)) ?? "look");

  const choose = (wanted: Kind): void => {
    // The sides of one are none of the other.
    if (wanted !== chosen()) photos.clear();
    kind = wanted;
    flow.say(null);
  };

  const keep = (side: Side, photo: Photo | Flaw): void => {
    if (typeof photo === "string") return flow.say({ key: FLAWS[photo], field: FIELD });
    photos.set(side, photo);
    onward();
  };

  const limit = (): number => check()?.picture_limit ?? 0;

  const shoot = async (side: Side): Promise<void> => {
    const cut = camera.framed(RATIO[chosen()]);
    // It has no picture yet.
    if (cut.width > 0) keep(side, await taken(camera.video, cut, limit()));
  };

  const openCamera = async (): Promise<void> => {
    const why = await camera.open();
    off = why;
    flow.say(why === null ? null : { key: OFF[why], field: FIELD });
  };

  /** Also the way for whoever has no camera here: phones offer theirs. */
  const pick = (side: Side): void => {
    const input = (picker = document.createElement("input"));
    input.type = "file";
    input.accept = "image/*";
    input.setAttribute("capture", "environment");
    input.addEventListener("change", () => {
      if (input !== picker) return;
      const [file] = input.files ?? [];
      if (file) void opened(file, limit()).then((photo) => keep(side, photo));
    });
    input.click();
  };

  // The server

  const submit = async (): Promise<void> => {
    const body = new FormData();
    for (const side of sides()) {
      const photo = photos.get(side);
      if (photo) body.set(side, photo.file, `${side}.jpg`);
    }
    const url = flow.api.contract(`scorings/identity_document/${check()?.scoring_id}/score`);
    await flow.withToken(() => send("PUT", url, { bearer: flow.api.token, body, headers: flow.api.device, patience: PATIENCE }));
  };

  const refused = ({ status, retryAfter }: Problem): Message | null => {
    if (status === 429) return { key: "card.busy", values: { seconds: Math.max(1, Math.ceil(retryAfter ?? 5)) } };
    if (status === 413) return { key: "card.large", field: FIELD };
    return status === 400 ? { key: "card.unreadable", field: FIELD } : null;
  };

  /** The pictures passed: the signer is identified. A lost answer is looked up. */
  const validate = async (): Promise<void> => {
    const { id } = flow.invitation!.identification;
    const url = flow.api.contract(`identifications/identity_document/${id}/validate`);
    const resume = await flow.key.hash();
    const headers = { ...flow.api.device, ...(resume === null ? {} : { "x-resume-hash": resume }) };
    let failure: unknown = null;
    try {
      const answer = await flow.withToken(() => send("POST", url, { bearer: flow.api.token, headers }));
      flow.api.access = answer.headers.get("x-access-token") ?? "";
    } catch (error) {
      failure = error;
    }
    await flow.refresh();
    flow.tried = false;
    if (failure === null || (flow.invitation && identified(flow.invitation) && (await flow.reopen()))) {
      forget();
      flow.identified();
    } else if (flow.step === "card") flow.problem(failure);
  };

  const sendPhotos = (): Promise<void> =>
    flow.act("check", async () => {
      const before = check()?.last?.number ?? 0;
      let failure: unknown = null;
      try {
        await submit();
      } catch (error) {
        failure = error;
      }
      await flow.refresh();
      const last = check()?.last;
      if (flow.step !== "card") return;
      if (last && last.number > before) {
        if (last.passed) return validate();
        place = "look";
        flow.say({ key: "card.failed", field: FIELD });
      } else if (failure !== null && !check()?.under_way_until) flow.problem(failure, refused);
    });

  // What is shown

  const back = (words: Words, to: () => void): unknown => button(flow, { label: words.t("general.back"), press: to });
  const toInvitation = (): void => {
    camera.close();
    flow.go("invitation");
  };

  const steps = ({ t }: Words): unknown => {
    const all: [Place, Key][] = [
      ["choose", "card.step_choose"],
      ...sides().map((side): [Place, Key] => [side, `card.step_${sideKey(side)}`]),
      ["look", "card.step_look"],
    ];
    return html`<ol class="card-steps" aria-label=${t("card.steps")}>
      ${all.map(([at, key]) => html`<li aria-current=${at === place ? "step" : nothing}>${t(key)}</li>`)}
    </ol>`;
  };

  const failures = (words: Words): unknown => {
    const last = check()?.last;
    if (!last || last.passed || flow.busy === "check") return nothing;
    const name = { tenant: tenant(flow, words) };
    return html`<section class="box" aria-labelledby="wrongs">
      <h2 id="wrongs">${words.t("card.wrongs")}</h2>
      <ul class="wrongs">${reasons(last).map((key) => html`<li>${words.t(key, name)}</li>`)}</ul>
    </section>`;
  };

  const attempts = (words: Words): unknown => html`<p class="soft small">${words.count("card.left", check()?.attempts_left ?? 0)}</p>`;

  const choosing = (words: Words): unknown => {
    const { t } = words;
    const option = (value: Kind): unknown =>
      html`<label>
        <input type="radio" name="kind" value=${value} .checked=${chosen() === value} @change=${() => choose(value)} />
        <span>${t(`card.kind_${value}`)}</span>
      </label>`;
    return form(
      onward,
      html`${steps(words)}
        <p>${t("card.text", { tenant: tenant(flow, words) })}</p>
        ${failures(words)}
        <fieldset class="kinds"><legend>${t("card.which")}</legend>${option("card")} ${option("passport")}</fieldset>
        ${attempts(words)}
        ${bar(button(flow, { label: t("invitation.continue"), kind: "main" }), back(words, toInvitation))}`,
    );
  };

  const viewer = (words: Words, side: Side): unknown => {
    const { t } = words;
    const { hint } = camera;
    return html`<p class="soft">${t(`card.hint_${hint ?? "none"}`)}</p>
      <div class="viewer ${chosen() === "passport" ? "page-shape" : ""}" role="img" aria-label=${t("card.video")}>${camera.video}</div>
      ${bar(
        button(flow, { label: t("card.shoot"), kind: "main", press: () => void shoot(side) }),
        button(flow, { label: t("card.file"), press: () => pick(side) }),
        back(words, () => go("choose")),
      )}`;
  };

  const side = (words: Words, at: Side): unknown => {
    const { t } = words;
    const usable = off !== "none" && off !== "refused";
    const open = button(flow, { label: t("card.camera"), ...(usable ? { kind: "main" as const } : {}), press: () => void openCamera() });
    const file = button(flow, { label: t("card.file"), ...(usable ? {} : { kind: "main" as const }), press: () => pick(at) });
    return html`<div class="flow">
      ${steps(words)}
      <div class="photo" id=${FIELD} tabindex="-1" role="group" aria-label=${t(`card.${sideKey(at)}`)} aria-describedby=${described(flow, FIELD, "how")}>
        <p id="how">${t("card.how")}</p>
        ${wrong(flow, words, FIELD)}
      </div>
      ${camera.isOn ? viewer(words, at) : bar(...(usable ? [open, file] : [file, open]), back(words, () => go("choose")))}
    </div>`;
  };

  const looking = (words: Words): unknown => {
    const { t } = words;
    const pauses = check()?.paused_until;
    const shown = (at: Side): unknown => {
      const canvas = photos.get(at)?.canvas;
      if (!canvas) return nothing;
      const name = sideKey(at);
      return html`<figure>
        <div role="img" aria-label=${t(`card.picture_${name}`)}>${canvas}</div>
        <figcaption>
          <span>${t(`card.step_${name}`)}</span>
          ${button(flow, { label: t(`card.again_${name}`), press: () => go(at) })}
        </figcaption>
      </figure>`;
    };
    return form(
      () => void sendPhotos(),
      html`${steps(words)} ${failures(words)}
        <div class="photo ${isWrong(flow, FIELD) ? "bad" : ""}" id=${FIELD} tabindex="-1" role="group" aria-label=${t("card.look")} aria-describedby=${described(flow, FIELD, "look")}>
          ${wrong(flow, words, FIELD)}
          <p id="look">${t("card.look_text")}</p>
          <div class="taken">${sides().map(shown)}</div>
        </div>
        ${pauses ? html`<p class="note">${t("card.pause", { time: words.time(pauses) })}</p>` : nothing} ${attempts(words)}
        ${flow.busy === "check" ? html`<p role="status">${t("card.waiting_text")}</p>` : nothing}
        ${bar(button(flow, { label: t("card.send"), act: "check", kind: "main" }), back(words, () => go("choose")))}`,
    );
  };

  /** A screen that only says something, with what is to do next. */
  const said = (words: Words, text: string, ...next: unknown[]): unknown =>
    html`<div class="flow"><p>${text}</p>${failures(words)}${next.length ? bar(...next) : nothing}</div>`;

  const asked = (words: Words, text: string): unknown =>
    html`<div class="flow">
      <p>${text}</p>
      ${failures(words)} ${ask(flow, words, button(flow, { label: words.t("general.back"), press: toInvitation }))}
    </div>`;

  /** Where the step stands: by what the server says, and else by what the signer does. */
  const state = (): "known" | "loading" | "waiting" | "passed" | "elsewhere" | "none" | Place => {
    const now = check();
    if (flow.invitation && identified(flow.invitation)) return "known";
    if (!now) return "loading";
    if (flow.busy === "check" && photos.size > 0) return place;
    if (now.under_way_until) return "waiting";
    if (now.last?.passed) return "passed";
    if (!now.takes_pictures) return "elsewhere";
    if (now.attempts_left === 0) return "none";
    // A picture may be lacking for the look at them, as after another document was chosen.
    return place === "look" && sides().some((one) => !photos.has(one)) ? "choose" : place;
  };

  const title = (words: Words): string => {
    const { t } = words;
    const at = state();
    switch (at) {
      case "front":
      case "back":
        return t(`card.${sideKey(at)}`);
      case "loading":
        return t("card.title");
      case "choose":
        return t("card.title");
      default:
        return t(`card.${at}`);
    }
  };

  const body = (words: Words): unknown => {
    const { t } = words;
    const name = { tenant: tenant(flow, words) };
    const at = state();
    switch (at) {
      case "known":
        return html`<div class="flow"><p>${t("card.known_text", name)}</p>${ask(flow, words)}</div>`;
      case "loading":
        return loading(words);
      case "waiting":
        return html`<div class="flow"><p role="status"><span class="spin" aria-hidden="true"></span> ${t("card.waiting_text")}</p></div>`;
      case "passed":
        return said(
          words,
          t("card.passed_text"),
          button(flow, { label: t("invitation.continue"), act: "check", kind: "main", press: () => void flow.act("check", validate) }),
        );
      case "elsewhere":
        return asked(words, t("card.elsewhere_text", name));
      case "none":
        return asked(words, t("ask.none_left_next", name));
      case "choose":
        return choosing(words);
      case "look":
        return looking(words);
      default:
        return side(words, at);
    }
  };

  const screen: Screen = { place: 1, title: (_, words) => title(words), body: (_, words) => body(words) };
  return { style, screens: { card: screen }, close: forget };
}
