// The element of consents in every state: how it comes about.

import type { Page } from "@playwright/test";

import { answer, button, error, expect, open, statement, type Scene } from "./consents_scene.js";

export interface State {
  name: string;
  /** Text that only this state has. */
  shows: string | RegExp;
  /** Before the page is opened. */
  given?: (scene: Scene) => void;
  /** After it was opened. */
  when?: (page: Page, scene: Scene) => Promise<void>;
}

const OFFERS = "I agree to receive offers";

/** Answers one question, and saves. */
const saves = async (page: Page): Promise<void> => {
  await answer(page, OFFERS, "I do not accept").check();
  await button(page, "Save").click();
};

/** Refuses what is sent. */
const refuses =
  (status: number, code: string, headers: Record<string, string> = {}) =>
  (scene: Scene): void =>
    void scene.plays.set("POST", () => error(status, code, headers));

/** A read that is refused without being tried again. */
const unreadable =
  (status: number, code: string) =>
  (scene: Scene): void =>
    void scene.plays.set("GET", () => error(status, code, status === 503 ? { "retry-after": "60" } : {}));

const unknown = (scene: Scene): void => {
  scene.known = false;
  for (const id of ["OFFERS", "OFFERS_EMAIL", "OFFERS_PHONE", "PROFILE"]) scene.find(id).choice = 1;
  delete scene.find("PROFILE").expiration_date;
};

const LENGTH = "What we do with it stands here at length. ".repeat(12);
const LONG = `${LENGTH}\n\nAll of it: https://acme.example/privacy?all=yes. <b>This is no markup</b> <img src=x onerror=alert(1)>`;

export const STATES: State[] = [
  { name: "consents first visit", shows: "Not answered yet.", given: unknown },
  { name: "consents known customer", shows: /You accept until .*2031/ },
  {
    name: "consents answers needed",
    shows: "An answer is needed here.",
    given: (scene) => {
      unknown(scene);
      scene.mandatory = ["OFFERS", "OFFERS_EMAIL"];
      scene.attributes["mandatory"] = "MANDATORY";
    },
    when: (page) => button(page, "Save").click(),
  },
  {
    name: "consents not saved yet",
    shows: "Until now: You do not object.",
    when: async (page) => {
      await answer(page, OFFERS, "I accept").check();
      await page.getByRole("checkbox", { name: "My usage data" }).uncheck();
    },
  },
  { name: "consents saved", shows: "Your answers are saved.", when: saves },
  {
    name: "consents saved and more to answer",
    shows: "1 more question is shown now",
    given: unknown,
    when: async (page, scene) => {
      scene.plays.set("POST", (body) => {
        scene.record(body);
        scene.statements.push(statement("SURVEYS", "You may ask me about the service."));
        return { status: 201, json: { id: "7c6f1a0e-5c0b-4e0e-9b0a-0d6a2a5f4c11" } };
      });
      await saves(page);
    },
  },
  {
    name: "consents saved though a later answer holds",
    shows: "For these a later answer",
    given: (scene) =>
      void scene.plays.set("POST", () => ({ status: 201, json: { id: "7c6f1a0e-5c0b-4e0e-9b0a-0d6a2a5f4c11", superseded: ["OFFERS"] } })),
    when: saves,
  },
  { name: "consents nothing to save", shows: "You have changed nothing", when: (page) => button(page, "Save").click() },
  { name: "consents of too long ago", shows: "Too much time has passed", when: async (page, scene) => (scene.change(() => {}), saves(page)) },
  {
    name: "consents changed meanwhile",
    shows: "Something has changed meanwhile",
    when: async (page, scene) => {
      await page.getByRole("radio", { name: "I accept" }).nth(1).check();
      scene.change(() => {
        scene.find("OFFERS").text = "I agree to receive offers of your products and of others.";
        scene.find("STATISTICS").choice = 2;
        scene.statements = scene.statements.filter(({ id }) => id !== "PARTNERS");
        scene.statements.push(statement("SURVEYS", "You may ask me about the service."));
      });
      await saves(page);
    },
  },
  {
    name: "consents that did not arrive",
    shows: "Your answers did not arrive",
    given: (scene) => void scene.plays.set("POST", () => "lost"),
    when: saves,
  },
  {
    name: "consents unclear whether they arrived",
    shows: "We do not know whether your answers arrived",
    when: async (page, scene) => {
      scene.plays.set("POST", () => "lost");
      scene.plays.set("GET", () => error(500, "MCONS_000"));
      await saves(page);
    },
  },
  { name: "consents saving refused", shows: "This page may not save your answers.", given: refuses(403, ""), when: saves },
  { name: "consents saving too often today", shows: "too often today", given: refuses(429, "MCONS_005"), when: saves },
  { name: "consents saving too fast", shows: "in 20 seconds", given: refuses(429, "MCONS_005", { "retry-after": "20" }), when: saves },
  { name: "consents saving while it does not work", shows: "It does not work just now", given: refuses(503, "MCONS_000"), when: saves },
  { name: "consents not taken", shows: "Your answers were not taken", given: refuses(400, "MCONS_001"), when: saves },
  { name: "consents in conflict", shows: "Your answers were not taken", given: refuses(409, "MCONS_005"), when: saves },
  { name: "consents refused", shows: "This page may not show your consents.", given: unreadable(403, "") },
  { name: "consents missing", shows: "There are no consents to be answered here.", given: unreadable(404, "MCONS_003") },
  { name: "consents while it does not work", shows: "It does not work just now.", given: unreadable(503, "MCONS_000") },
  { name: "consents with a fault of the server", shows: "Something failed on the server.", given: unreadable(500, "MCONS_000") },
  { name: "consents without connection", shows: "There is no connection.", given: (scene) => void scene.plays.set("GET", () => "lost") },
  { name: "consents of a page that lacks something", shows: "something is missing on this page", given: (scene) => delete scene.attributes["ip"] },
  { name: "consents none", shows: "There is nothing to be answered here.", given: (scene) => void (scene.statements = []) },
  {
    name: "consents for context and in long texts",
    shows: "It is here only because",
    given: (scene) => {
      scene.find("OFFERS").read_only = true;
      Object.assign(scene.find("STATISTICS"), { description: LONG });
      scene.find("PARTNERS").text = `${"Extraordinarilylongwordwithoutanyplacetobreak".repeat(3)} ${LONG}`;
    },
    when: async (page) => {
      await page.getByText("Read more").click();
      await expect(page.getByText("<b>This is no markup</b>").first()).toBeVisible();
    },
  },
  {
    name: "consents in another language",
    shows: "The texts are in Italian",
    given: (scene) => {
      scene.locale = "it_IT";
      scene.find("OFFERS").text = "Accetto di ricevere offerte.";
    },
  },
];

export async function show(page: Page, scene: Scene, { given, when, shows }: State): Promise<void> {
  given?.(scene);
  await open(page);
  await when?.(page, scene);
  await expect(page.getByText(shows).first()).toBeVisible({ timeout: 20_000 });
}
