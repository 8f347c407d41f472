// What the desk's pages do with script: pictures of an identity document by camera or file, what the server reads in them, and one picture of
// both sides that goes with the decision. Pictures stay in this page's memory and end with it. A code for a phone is drawn here as well.

import { Camera, type Off } from "./camera.js";
import { opened, taken, type Flaw, type Photo } from "./photo.js";
import code from "./qr.js";

/** Longest answer to a check, in milliseconds. */
const PATIENCE = 60_000;

/** Widths of what is kept as evidence, in pixels. */
const KEPT_WIDTHS = [1_280, 1_024, 800, 640];

/** Largest picture of a side that the server reads, in bytes: both go in one body. */
const MAX_READ = 4_000_000;

/** Width to height of a card (ISO/IEC 7810, ID-1), and of a page of a passport (ID-3). */
const RATIO = { card: 1.586, passport: 1.42 } as const;

/** Names of the words for why there is no camera, and no picture. */
const OFF: Record<Off, string> = { refused: "refused", none: "noCamera", busy: "busy", rested: "rested" };
const FLAWS: Record<Flaw, string> = { unreadable: "unreadable", large: "unreadable", small: "tooSmall" };

/** Largest picture that is kept, in bytes. */
const MAX_KEPT = 1_400_000;

type Side = "front" | "back";

interface Checked {
  values: { name: string; value: string }[];
  checks: { name: string; side: string | null; is_good: boolean; is_fraud: boolean; said: string }[];
  titles: { values: string; checks: string; advice: string };
  none: string;
  metadata: string;
  proof: string;
}

function element<K extends keyof HTMLElementTagNameMap>(name: K, text = "", className = ""): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

async function base64(blob: Blob): Promise<string> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 0x8000) parts.push(String.fromCharCode(...bytes.subarray(at, at + 0x8000)));
  return btoa(parts.join(""));
}

/** Both sides in one picture, one above the other, as small as it has to be. */
async function together(sides: HTMLCanvasElement[]): Promise<Blob | null> {
  for (const width of KEPT_WIDTHS) {
    for (const grey of [false, true]) {
      const parts = sides.map((side) => ({ side, height: Math.round((side.height * Math.min(width, side.width)) / side.width) }));
      const canvas = element("canvas");
      canvas.width = Math.max(...parts.map(({ side }) => Math.min(width, side.width)));
      canvas.height = parts.reduce((sum, { height }) => sum + height, 0);
      const context = canvas.getContext("2d", { alpha: false });
      if (!context) return null;
      context.fillStyle = "#fff";
      context.fillRect(0, 0, canvas.width, canvas.height);
      if (grey) context.filter = "grayscale(1)";
      let top = 0;
      for (const { side, height } of parts) {
        context.drawImage(side, 0, top, Math.min(width, side.width), height);
        top += height;
      }
      const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, "image/png"));
      if (blob && blob.size <= MAX_KEPT) return blob;
    }
  }
  return null;
}

class Capture {
  private readonly photos = new Map<Side, Photo>();
  private readonly dialog: HTMLDialogElement;
  private readonly camera = new Camera((why) => this.heard(why));
  private aimed: Side = "front";
  /** Grows with each check, so that an answer that was overtaken is not shown. */
  private round = 0;

  constructor(private readonly root: HTMLElement) {
    this.dialog = this.one("dialog");
    this.one(".lens").prepend(this.camera.video);
    const hasCamera = Boolean(navigator.mediaDevices?.getUserMedia);
    for (const section of root.querySelectorAll<HTMLElement>(".side")) {
      const side = section.dataset.side as Side;
      const camera = section.querySelector<HTMLButtonElement>(".camera");
      if (camera) {
        camera.hidden = !hasCamera;
        camera.addEventListener("click", () => void this.aim(side));
      }
      section.querySelector("input")?.addEventListener("change", (event) => void this.file(side, event.target as HTMLInputElement));
    }
    this.one(".shoot").addEventListener("click", () => void this.shoot());
    this.one(".close").addEventListener("click", () => this.dialog.close());
    // The camera is off as soon as nobody aims.
    this.dialog.addEventListener("close", () => this.camera.close());
    addEventListener("pagehide", () => this.camera.close());
    const form = document.getElementById("validate") as HTMLFormElement | null;
    form?.addEventListener("submit", (event) => {
      if (this.photos.size === 0) return;
      event.preventDefault();
      void this.decide(form);
    });
  }

  private one<T extends HTMLElement>(selector: string): T {
    const found = this.root.querySelector<T>(selector);
    if (!found) throw new Error(`no ${selector}`);
    return found;
  }

  private say(name: string): void {
    this.one(".said").textContent = name ? (this.root.dataset[name] ?? "") : "";
  }

  private async aim(side: Side): Promise<void> {
    this.aimed = side;
    this.say("");
    const why = await this.camera.open();
    if (why) return this.say(OFF[why]);
    this.one(".live").textContent = "";
    this.dialog.showModal();
  }

  /** What is seen has changed, or the camera went off by itself. */
  private heard(why: Off | null): void {
    if (why) {
      this.dialog.close();
      return this.say(OFF[why]);
    }
    this.one(".live").textContent = this.root.dataset[this.camera.hint ?? "good"] ?? "";
  }

  private async shoot(): Promise<void> {
    const ratio = this.root.querySelectorAll(".side").length > 1 ? RATIO.card : RATIO.passport;
    const photo = await taken(this.camera.video, this.camera.framed(ratio), MAX_READ);
    this.dialog.close();
    await this.take(this.aimed, photo);
  }

  private async file(side: Side, input: HTMLInputElement): Promise<void> {
    const file = input.files?.[0];
    input.value = "";
    if (file) await this.take(side, await opened(file, MAX_READ));
  }

  private async take(side: Side, photo: Photo | Flaw): Promise<void> {
    if (typeof photo === "string") return this.say(FLAWS[photo]);
    this.photos.set(side, photo);
    const image = this.one<HTMLImageElement>(`[data-side="${side}"] .shot`);
    // The policy of the page has no `blob:`, and a data address would be as long as the picture: the canvas itself is shown.
    photo.canvas.className = "shot";
    photo.canvas.setAttribute("role", "img");
    photo.canvas.setAttribute("aria-label", image.alt);
    this.root.querySelector(`[data-side="${side}"] canvas`)?.remove();
    image.after(photo.canvas);
    await this.check();
  }

  private async check(): Promise<void> {
    const front = this.photos.get("front");
    if (!front) return;
    const round = ++this.round;
    this.say("checking");
    this.show(null);
    const back = this.photos.get("back");
    const [first, second] = await Promise.all([base64(front.file), back ? base64(back.file) : ""]);
    let said: string | null = null;
    let checked: Checked | null = null;
    try {
      const answer = await fetch(this.root.dataset.check ?? "", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ csrf: this.root.dataset.csrf, front: first, back: second }),
        signal: AbortSignal.timeout(PATIENCE),
        redirect: "error",
      });
      const body = (await answer.json()) as Checked & { problem?: string };
      if (answer.ok) checked = body;
      else said = body.problem ?? null;
    } catch {
      // No connection, or the session is over: the decision works without.
    }
    if (round !== this.round) return;
    this.say(checked ? "" : "failed");
    if (said) this.one(".said").textContent = said;
    this.show(checked);
  }

  private show(checked: Checked | null): void {
    const place = this.one(".checks");
    place.replaceChildren();
    this.field("metadata", checked?.metadata ?? "");
    this.field("proof", checked?.proof ?? "");
    if (!checked) return;
    const { values, checks, titles, none } = checked;
    const facts = element("dl", "", "facts");
    for (const { name, value } of values) {
      const row = element("div");
      row.append(element("dt", name), element("dd", value));
      facts.append(row);
    }
    const list = element("ul", "", "checked");
    for (const { name, side, is_good, is_fraud, said } of checks) {
      const row = element("li", "", is_good ? "good" : is_fraud ? "bad" : "unsure");
      row.append(element("strong", side ? `${name} (${side})` : name), ` ${is_good ? "✓" : "!"} ${said}`);
      list.append(row);
    }
    place.append(element("h3", titles.values), values.length ? facts : element("p", none), element("h3", titles.checks), list);
    place.append(element("p", titles.advice, "hint"));
  }

  private field(name: string, value: string): void {
    const input = document.querySelector<HTMLInputElement>(`#validate [name="${name}"]`);
    if (input) input.value = value;
  }

  private async decide(form: HTMLFormElement): Promise<void> {
    const sides = (["front", "back"] as const).flatMap((side) => this.photos.get(side)?.canvas ?? []);
    const blob = await together(sides);
    if (!blob) return this.say("unreadable");
    this.field("evidence", await base64(blob));
    form.submit();
  }
}

function codes(): void {
  for (const place of document.querySelectorAll<SVGElement>("svg[data-qr]")) {
    const drawn = code(place.dataset.qr ?? "");
    delete place.dataset.qr;
    if (!drawn) continue;
    const margin = 4;
    const side = drawn.size + 2 * margin;
    place.setAttribute("viewBox", `${-margin} ${-margin} ${side} ${side}`);
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", drawn.path);
    place.append(path);
  }
}

const capture = document.getElementById("capture");
if (capture) new Capture(capture);
codes();
