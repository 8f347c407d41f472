// The page of a signature in a frame, `/embed/{organization}/{signature}`: the page around it sends a token, and hears what happens and how high
// the frame has to be. Only pages of the organization's origins may frame it (`frame-ancestors`), and only what they send is listened to.
// docs/pages.md says how to use it.

import { placeOf } from "./place.js";
import type { RubricaSign } from "./sign.js";
import "./sign.js";
import type { Step, Wish } from "./steps.js";

/** What the page around may say. */
interface Said {
  type?: unknown;
  token?: unknown;
  lang?: unknown;
  scheme?: unknown;
  step?: unknown;
}

/** What the page around is told, by the names of the element's events. None has a secret, nor anything of the person. */
const TOLD = ["ready", "step", "identified", "signed", "declined", "ended", "problem", "token-expiring"];

/** Steps that it may wish for. */
const WISHES = new Set<Wish>(["invitation", "code_ask", "code_answer", "read", "sign", "decline", "on"]);

/** Longest token, in characters. */
const MAX_TOKEN = 8_192;

function run(element: RubricaSign, around: Window): void {
  const origins = (document.body.dataset["origins"] ?? "").split(" ").filter(Boolean);
  const place = placeOf("embed", location.pathname);
  if (!place || around === window) {
    element.org = element.signId = "-";
    element.fail("incomplete");
    return;
  }
  element.base = place.base;
  element.org = place.org;
  element.signId = place.sign;

  /** The origin of the page around, once it has spoken. */
  let origin: string | null = null;
  const tell = (type: string, detail: Record<string, unknown> = {}): void => {
    if (origin !== null) around.postMessage({ type, ...detail }, origin);
  };
  let height = 0;
  const measure = (): void => {
    const now = Math.ceil(element.getBoundingClientRect().height);
    if (now === height) return;
    height = now;
    tell("rubrica-height", { height });
  };

  addEventListener("message", (event: MessageEvent<Said | null>) => {
    if (event.source !== around || !origins.includes(event.origin) || typeof event.data !== "object" || event.data === null) return;
    const { type, token, lang, scheme, step } = event.data;
    if (type === "rubrica-token" && typeof token === "string" && token.length <= MAX_TOKEN) {
      origin = event.origin;
      if (typeof lang === "string") element.lang = lang;
      if (scheme === "light" || scheme === "dark") element.scheme = scheme;
      element.token = token;
      // The same token again is news too.
      element.requestUpdate("token", "");
      height = 0;
      measure();
    } else if (type === "rubrica-go" && typeof step === "string" && WISHES.has(step as Wish)) {
      element.go(step as Wish);
    }
  });
  for (const name of TOLD) {
    const type = `rubrica-${name}`;
    element.addEventListener(type, (event) => tell(type, (event as CustomEvent<Record<string, unknown>>).detail));
  }
  element.addEventListener("rubrica-step", (event) => {
    const { title, lang } = (event as CustomEvent<{ step: Step; title: string; lang: string }>).detail;
    document.title = title;
    document.documentElement.lang = lang;
  });
  new ResizeObserver(measure).observe(element);
  // Whoever it is may know that a frame is there: now a token can be sent.
  around.postMessage({ type: "rubrica-hello" }, "*");
}

const element = document.querySelector("rubrica-sign");
if (element) run(element, parent);
