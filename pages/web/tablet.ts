// The page of a device that an agent hands over, `/desk/orgs/{organization}/tablet`: a tablet of the shop shows a code until an agent gives it
// something to sign; another device has code and secret in the fragment of its address, which is taken out at once. What a person left is
// wiped before the next one.

import { Problem, json, tried } from "./api.js";
import { device, keepBegun } from "./keep.js";
import type { RubricaSign } from "./sign.js";
import "./sign.js";

/** Between two questions, in milliseconds; after failures longer and longer, up to the second. */
const ASK_EVERY = 3_000;
const LONGEST_PAUSE = 30_000;

/** How long an answer may take, in milliseconds. */
const PATIENCE = 15_000;

/** How long the end of a signature is shown on a tablet of the shop, in milliseconds. */
const SHOWN = 60_000;

interface Begun {
  code: string;
  secret: string;
  seconds: number;
}

type Asked =
  | { state: "waiting" | "over" }
  | { state: "given"; signature: string; token: string; access: string; seconds: number };

type Part = "idle" | "over" | "down" | "back";
const PARTS: Part[] = ["idle", "over", "down", "back"];

const org = document.body.dataset["org"] ?? "";
const enrolled = "enrolled" in document.body.dataset;
const base = new URL("..", import.meta.url).href.replace(/\/+$/, "");
const own = `${base}/desk/orgs/${encodeURIComponent(org)}/tablet`;

const pause = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));

function show(part: Part | null): void {
  for (const name of PARTS) {
    const section = document.getElementById(name);
    if (section) section.hidden = name !== part;
  }
  const ends = part !== null && part !== "idle";
  // Only a device that was handed over has an agent to go back to.
  document.getElementById("leave")!.hidden = enrolled || !ends;
  document.getElementById("finish")!.hidden = !enrolled || !ends;
  if (part) document.querySelector<HTMLElement>(`#${part} h1`)?.focus();
}

/** Nothing of a person stays: no key, no ink, no picture of a page. */
function wipe(): void {
  document.getElementById("place")?.replaceChildren();
  try {
    sessionStorage.clear();
  } catch {
    // Switched off: then nothing was kept.
  }
}

/** Asks the server. The cookie of a tablet of the shop goes along. */
async function post<T>(path: string, body: unknown = {}): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(`${own}/${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...device() },
      body: JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE),
    });
  } catch {
    throw new Problem(0);
  }
  if (!answer.ok) throw new Problem(answer.status);
  return json<T>(answer);
}

const ask = (code: string, secret: string): Promise<Asked> => post("ask", { code, secret });

/** Waits for an agent, with one code after another. */
async function awaited(): Promise<Extract<Asked, { state: "given" }>> {
  let wait = ASK_EVERY;
  for (;;) {
    try {
      const begun = await post<Begun>("begin");
      document.querySelector(".pair")!.textContent = `${begun.code.slice(0, 3)} ${begun.code.slice(3)}`;
      show("idle");
      wait = ASK_EVERY;
      const until = Date.now() + (begun.seconds - 5) * 1_000;
      while (Date.now() < until) {
        await pause(ASK_EVERY);
        const asked = await ask(begun.code, begun.secret);
        if (asked.state === "given") return asked;
        if (asked.state === "over") break;
      }
    } catch (error) {
      show(error instanceof Problem && error.status === 403 ? "over" : "down");
      wait = Math.min(wait * 2, LONGEST_PAUSE);
      await pause(wait);
    }
  }
}

/** Lets a person sign; ends when they have, or will not. */
function signing({ signature, token, access, seconds }: Extract<Asked, { state: "given" }>): Promise<void> {
  show(null);
  // The agent said who asks and why: the person reads at once.
  keepBegun(signature);
  const element = document.createElement("rubrica-sign") as RubricaSign;
  element.base = base;
  element.org = org;
  element.signId = signature;
  element.access = access;
  element.token = token;
  element.addEventListener("rubrica-step", (event) => {
    const { title, lang } = (event as CustomEvent<{ title: string; lang: string }>).detail;
    document.title = title;
    document.documentElement.lang = lang;
  });
  const over = new Promise<void>((done) => {
    for (const end of ["signed", "declined", "ended"]) element.addEventListener(`rubrica-${end}`, () => done(), { once: true });
    // No other token is to be had here.
    setTimeout(done, seconds * 1_000);
  });
  document.getElementById("place")!.replaceChildren(element);
  return over;
}

/** Waits for a while, or until somebody says that they are done. */
const finished = (): Promise<void> =>
  new Promise((done) => {
    document.querySelector("#finish button")!.addEventListener("click", () => done(), { once: true });
    setTimeout(done, SHOWN);
  });

async function run(): Promise<void> {
  const given = /^#([0-9A-Z]{6})\.([\w-]{22})$/.exec(location.hash);
  if (location.hash) history.replaceState(null, "", location.pathname);
  if (given) {
    try {
      const [, code = "", secret = ""] = given;
      const asked = await tried(() => ask(code, secret));
      if (asked.state !== "given") return show("over");
      await signing(asked);
      show("back");
    } catch {
      show("down");
    }
    return;
  }
  if (!enrolled) return show("over");
  for (;;) {
    wipe();
    await signing(await awaited());
    show("back");
    await finished();
  }
}

// What a browser keeps of a page that was left is gone when somebody comes back to it.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
void run();
