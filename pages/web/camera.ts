// The camera: shows what it sees, says what is wrong with that, and gives one picture. It is on only while it is shown, and for minutes at most.

import type { Cut } from "./photo.js";

/** Between two looks at what is seen, in milliseconds, and how many there are: the camera goes off after five minutes. */
const LOOK_EVERY = 400;
const MAX_LOOKS = 750;

/** Looks that have to agree before something is said. */
const AGREE = 2;

/** The part in the middle that is looked at, in pixels of the camera. */
const LOOKED = { width: 320, height: 200 };

/** Below this variance of the Laplacian of the grey values letters run together. */
const SHARP = 60;

/** From this grey value on light is taken for a reflection, and from this share of the pixels on it hides something. */
const WHITE = 250;
const GLARE = 0.06;

/** A mean grey value below which there is too little light. */
const DARK = 45;

/** What is wrong with what is seen. */
export type Hint = "focus" | "glare" | "dark";

/** Why there is no camera, or none any more. */
export type Off = "refused" | "none" | "busy" | "rested";

/** Judges grey values in rows of this width. */
export function judged(grey: Uint8Array, width: number): Hint | null {
  const total = grey.length;
  let [sum, white] = [0, 0];
  for (const value of grey) {
    sum += value;
    if (value >= WHITE) white++;
  }
  if (sum / total < DARK) return "dark";
  if (white / total > GLARE) return "glare";
  let [edges, squares, count] = [0, 0, 0];
  for (let at = width; at < total - width; at++) {
    if (at % width === 0 || at % width === width - 1) continue;
    const edge = 4 * grey[at]! - grey[at - 1]! - grey[at + 1]! - grey[at - width]! - grey[at + width]!;
    edges += edge;
    squares += edge * edge;
    count++;
  }
  const variance = squares / count - (edges / count) ** 2;
  return variance < SHARP ? "focus" : null;
}

export class Camera {
  readonly video = document.createElement("video");
  hint: Hint | null = null;
  private stream: MediaStream | null = null;
  private timer: ReturnType<typeof setInterval> | undefined;
  private looks = 0;
  private unseen = 0;
  private agreeing = 0;
  private last: Hint | null = null;
  /** Grows with each opening and closing, so that a permission that comes late opens nothing. */
  private turn = 0;

  /** `heard`: the hint has changed, or the camera went off by itself. */
  constructor(private readonly heard: (off: Off | null) => void) {
    this.video.muted = true;
    this.video.playsInline = true;
  }

  get isOn(): boolean {
    return this.stream !== null;
  }

  /** Opens the one that looks away from the signer, if there are several. */
  async open(): Promise<Off | null> {
    this.close();
    const turn = ++this.turn;
    // There is none on pages without TLS either.
    if (!navigator.mediaDevices?.getUserMedia) return "none";
    let stream: MediaStream;
    try {
      const video = { facingMode: { ideal: "environment" }, width: { ideal: 1920 }, height: { ideal: 1080 } };
      stream = await navigator.mediaDevices.getUserMedia({ audio: false, video });
    } catch (error) {
      const name = error instanceof DOMException ? error.name : "";
      if (name === "NotAllowedError" || name === "SecurityError") return "refused";
      return name === "NotFoundError" || name === "OverconstrainedError" ? "none" : "busy";
    }
    if (turn !== this.turn) {
      stream.getTracks().forEach((track) => track.stop());
      return null;
    }
    this.stream = stream;
    stream.getVideoTracks()[0]?.addEventListener("ended", () => this.off("busy"), { once: true });
    this.video.srcObject = stream;
    // It plays by itself once it is shown; where it may not, the picture that is there is taken.
    void this.video.play().catch(() => {});
    this.looks = this.unseen = this.agreeing = 0;
    this.hint = this.last = null;
    this.timer = setInterval(() => this.look(), LOOK_EVERY);
    return null;
  }

  close(): void {
    this.turn++;
    clearInterval(this.timer);
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.srcObject = null;
  }

  private off(why: Off): void {
    if (!this.stream) return;
    this.close();
    this.heard(why);
  }

  /** What the frame shows: the largest part of this ratio in the middle. */
  framed(ratio: number): Cut {
    const { videoWidth, videoHeight } = this.video;
    const width = Math.min(videoWidth, videoHeight * ratio);
    const height = width / ratio;
    return { x: (videoWidth - width) / 2, y: (videoHeight - height) / 2, width, height };
  }

  private look(): void {
    if (++this.looks > MAX_LOOKS) return this.off("rested");
    // The signer went to another step.
    this.unseen = this.video.isConnected ? 0 : this.unseen + 1;
    if (this.unseen > AGREE) return this.close();
    const hint = this.seen();
    this.agreeing = hint === this.last ? this.agreeing + 1 : 1;
    this.last = hint ?? null;
    if (hint === undefined || this.agreeing < AGREE || hint === this.hint) return;
    this.hint = hint;
    this.heard(null);
  }

  /** `undefined` where nothing is seen yet. */
  private seen(): Hint | null | undefined {
    const { videoWidth, videoHeight } = this.video;
    const [width, height] = [Math.min(LOOKED.width, videoWidth), Math.min(LOOKED.height, videoHeight)];
    if (width < 3 || height < 3) return undefined;
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d", { willReadFrequently: true });
    if (!context) return undefined;
    context.drawImage(this.video, (videoWidth - width) / 2, (videoHeight - height) / 2, width, height, 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height);
    const grey = new Uint8Array(width * height);
    for (let at = 0; at < grey.length; at++) {
      grey[at] = (data[4 * at]! * 299 + data[4 * at + 1]! * 587 + data[4 * at + 2]! * 114) / 1_000;
    }
    return judged(grey, width);
  }
}
