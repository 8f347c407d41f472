// The page of the sandbox's messages: reads them anew every few seconds, and moves process time.

interface Message {
  at: string;
  channel: string;
  to: string;
  subject?: string | null;
  text: string;
}

const PERIOD = 3_000;

function element<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`no ${id} in the page`);
  return found;
}

const list = element("messages", HTMLElement);
const filter = element("filter", HTMLFormElement);
const clock = element("clock", HTMLFormElement);

function value(form: HTMLFormElement, name: string): string {
  return String(new FormData(form).get(name) ?? "").trim();
}

function text(name: string, content: string): HTMLElement {
  const made = document.createElement(name);
  made.textContent = content;
  return made;
}

function article(message: Message): HTMLElement {
  const made = document.createElement("article");
  const header = document.createElement("header");
  header.append(...[new Date(message.at).toLocaleString(), message.channel, message.to].map((part) => text("span", part)));
  made.append(header);
  if (message.subject) made.append(text("h2", message.subject));
  made.append(text("pre", message.text));
  return made;
}

let shown = "";

async function show(): Promise<void> {
  const to = value(filter, "to");
  const answer = await fetch(`sandbox/messages${to ? `?to=${encodeURIComponent(to)}` : ""}`);
  if (!answer.ok) return;
  const body = await answer.text();
  // What has not changed is not put in again: a selection stays, and nothing is read out once more.
  if (body === shown) return;
  shown = body;
  const messages = JSON.parse(body) as Message[];
  if (messages.length) list.replaceChildren(...messages.map(article));
  else list.textContent = "No messages yet.";
}

// A server that is away is asked again at the next turn.
const look = (): void => void show().catch(() => {});

filter.addEventListener("submit", (event) => {
  event.preventDefault();
  look();
});

clock.addEventListener("submit", async (event) => {
  event.preventDefault();
  const output = clock.querySelector("output");
  if (!output) return;
  const answer = await fetch("sandbox/clock", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ advance: value(clock, "advance") }),
  });
  const body = await answer.json();
  output.textContent = answer.ok
    ? `Process time is ${new Date(body.now).toLocaleString()} (${body.ahead} ahead)`
    : body.errors[0].details;
});

look();
setInterval(() => document.hidden || look(), PERIOD);
