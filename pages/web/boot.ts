// The page of a signer's link, `/s/{organization}/{signature}#k={secret}`: takes the secret out of the address at once, exchanges it for a
// token and hands that to the element. Title, language and history of the page follow the element's steps.

import { Problem, exchange } from "./api.js";
import { keepLink, link } from "./keep.js";
import { placeOf } from "./place.js";
import type { RubricaSign } from "./sign.js";
import "./sign.js";
import type { Fault, Step, Wish } from "./steps.js";

/** The secret of the fragment, which the address then no longer has. */
function secret(): string | null {
  const found = /^#k=([\w-]{22})$/.exec(location.hash)?.[1] ?? null;
  if (location.hash) history.replaceState(history.state, "", location.pathname + location.search);
  return found;
}

/** Steps that the back button goes to, which are what the page may wish for. */
const PLACES: Partial<Record<Step, Wish>> = {
  invitation: "invitation",
  code_ask: "code_ask",
  code_answer: "code_answer",
  // Once the signer is identified, what comes after it.
  desk: "read",
  card: "read",
  read: "read",
  sign: "sign",
  decline: "decline",
};

interface Visited {
  wish?: Wish;
}

function run(element: RubricaSign): void {
  const given = secret();
  const place = placeOf("s", location.pathname);
  if (!place) {
    element.org = element.signId = "-";
    element.fail("incomplete");
    return;
  }
  const { base, org, sign } = place;
  if (given) keepLink(sign, given);
  element.base = base;
  element.org = org;
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
    const visited: Visited = { wish: PLACES[step] ?? "on" };
    if (last === null || moving || !PLACES[step]) history.replaceState(visited, "");
    else history.pushState(visited, "");
    last = step;
  });
  addEventListener("popstate", (event: PopStateEvent) => {
    const wish = (event.state as Visited | null)?.wish;
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
