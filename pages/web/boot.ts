// The page of a signer's link, `/s/{organization}/{signature}#k={secret}`: takes the secret out of the address at once, exchanges it for a
// token and hands that to the element. Title, language and history of the page follow the element's steps.

import { Problem, exchange } from "./api.js";
import { keepLink, link } from "./keep.js";
import type { RubricaSign } from "./sign.js";
import "./sign.js";
import type { Fault, Step, Wish } from "./steps.js";

/** The secret of the fragment, which the address then no longer has. */
function secret(): string | null {
  const found = /^#k=([\w-]{22})$/.exec(location.hash)?.[1] ?? null;
  if (location.hash) history.replaceState(history.state, "", location.pathname + location.search);
  return found;
}

/** A UUID of its 22 letters of base64url. */
function uuid(short: string): string {
  const bytes = atob(`${short.replace(/-/g, "+").replace(/_/g, "/")}==`);
  const hex = Array.from(bytes, (byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Steps that the back button goes to, which are what the page may wish for. */
const PLACES: Partial<Record<Step, Wish>> = {
  invitation: "invitation",
  code_ask: "code_ask",
  code_answer: "code_answer",
  read: "read",
  sign: "sign",
  decline: "decline",
};

interface Place {
  wish?: Wish;
}

function run(element: RubricaSign): void {
  const given = secret();
  const path = /^(.*)\/s\/([^/]+)\/([\w-]{22})$/.exec(location.pathname);
  if (!path) {
    element.org = element.signId = "-";
    element.fail("incomplete");
    return;
  }
  const [, before = "", org = "", short = ""] = path;
  const base = location.origin + before;
  const sign = uuid(short);
  if (given) keepLink(sign, given);
  element.base = base;
  element.org = decodeURIComponent(org);
  element.signId = sign;

  let linking = false;
  const connect = async (): Promise<void> => {
    const k = link(sign) ?? given;
    if (!k) return element.fail("incomplete");
    if (linking) return;
    linking = true;
    try {
      element.take(await exchange(base, element.org, sign, k));
    } catch (error) {
      const { status, requestId } = error instanceof Problem ? error : new Problem(-1);
      const fault: Fault = status === 404 || status === 400 ? "gone" : "down";
      element.fail(fault, requestId);
    } finally {
      linking = false;
    }
  };

  let moving = false;
  let last: Step | null = null;
  element.addEventListener("rubrica-token-expiring", () => void connect());
  element.addEventListener("rubrica-step", (event) => {
    const { step, title, lang } = (event as CustomEvent<{ step: Step; title: string; lang: string }>).detail;
    document.title = title;
    document.documentElement.lang = lang;
    if (step === last) return;
    const place: Place = { wish: PLACES[step] ?? "on" };
    if (last === null || moving || !PLACES[step]) history.replaceState(place, "");
    else history.pushState(place, "");
    last = step;
  });
  addEventListener("popstate", (event: PopStateEvent) => {
    const wish = (event.state as Place | null)?.wish;
    if (!wish) return;
    moving = true;
    element.go(wish);
    setTimeout(() => (moving = false), 0);
  });
  // Another link to the same signature, opened in this tab.
  addEventListener("hashchange", () => {
    const next = secret();
    if (!next) return;
    keepLink(sign, next);
    location.reload();
  });
  void connect();
}

const element = document.querySelector("rubrica-sign");
if (element) run(element);
