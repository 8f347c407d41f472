// Every screen in every state: it comes about, nothing is wrong for those who see, hear or type it, and a picture is kept to be looked at.

import { mkdir } from "node:fs/promises";

import AxeBuilder from "@axe-core/playwright";

import type { Page } from "@playwright/test";

import { expect, test } from "./scene.js";
import { IDENTITY_STATES } from "./identity_states.js";
import { STATES, show } from "./states.js";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** Where pictures go, if they are wanted. */
const SHOTS = process.env["RUBRICA_TEST_SHOTS"];

/** What is wrong with the page as it is, in words. The text over a page is not looked at: it is there to be selected, and cannot be seen. */
async function wrong(page: Page, rules: { tags: string[] } | { only: string[] }): Promise<string[]> {
  const builder = new AxeBuilder({ page }).exclude({ fromShadowDom: ["rubrica-sign", "rubrica-document", "svg.text"] });
  const { violations } = await ("tags" in rules ? builder.withTags(rules.tags) : builder.withRules(rules.only)).analyze();
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary ?? ""}`));
}

/** What is too small to be pressed with a thumb: below 44 pixels. */
function small(): string[] {
  const found: string[] = [];
  const look = (root: Document | ShadowRoot): void => {
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) look(element.shadowRoot);
      if (!element.matches("button, a, summary, select, textarea, input")) continue;
      const target = element.matches("[type=checkbox], [type=radio]") ? element.closest("label") : element;
      const { width, height } = (target ?? element).getBoundingClientRect();
      // Halves of pixels are lost on some screens.
      if (width > 0 && (height < 43.5 || width < 43.5)) found.push(`${element.outerHTML.slice(0, 120)}: ${width} x ${height}`);
    }
  };
  look(document);
  return found;
}

/** Keys that show themselves, places that were not filled, and text that is cut off or runs over its box. */
function untidy(): string[] {
  const found: string[] = [];
  const look = (root: Document | ShadowRoot): void => {
    for (const element of root.querySelectorAll("*")) {
      if (element.shadowRoot) look(element.shadowRoot);
      if (element.matches("style, script, option")) continue;
      const texts = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.textContent ?? "");
      const text = texts.join(" ").trim();
      const said = [text, element.getAttribute("aria-label") ?? "", element.getAttribute("alt") ?? ""].join(" ");
      if (/\{\w+\}|\b(answer|ask|card|channel|contact|decline|documents|desk|ended|fault|general|hand|invitation|problem|read|sign|signed|view)\.[a-z_]+\b/.test(said)) {
        found.push(`words: ${said}`);
      }
      // What is wider than its box on purpose scrolls, is hidden, or is a line of letters over a page.
      if (text === "" || !(element instanceof HTMLElement) || element.closest(".quiet, .label, .who")) continue;
      if (element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== "inline") found.push(`overflow: ${text}`);
    }
  };
  look(document);
  const sideways = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (sideways > 0) found.push(`the page is ${sideways} pixels wider than the window`);
  return found;
}

for (const state of [...STATES, ...IDENTITY_STATES]) {
  test(state.name, async ({ page, scene }) => {
    test.slow();
    await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
    await show(page, scene, state);
    const file = state.name.replace(/[^\w]+/g, "_");
    for (const scheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme: scheme });
      // Only colours differ in the dark.
      expect(await wrong(page, scheme === "light" ? { tags: RULES } : { only: ["color-contrast"] }), scheme).toEqual([]);
      if (!SHOTS) continue;
      await mkdir(SHOTS, { recursive: true });
      for (const [width, height] of [
        [390, 844],
        [1280, 800],
      ] as const) {
        await page.setViewportSize({ width, height });
        await page.screenshot({ path: `${SHOTS}/${file}.${width}.${scheme}.png` });
      }
      await page.setViewportSize({ width: 390, height: 844 });
    }
    await page.setViewportSize({ width: 320, height: 568 });
    expect(await page.evaluate(small)).toEqual([]);
    for (const lang of ["es", "ca", "eu", "gl", "de", "en"]) {
      await page.locator("select").selectOption(lang);
      await expect(page.locator(`.page[lang=${lang}]`)).toBeVisible();
      await expect(page.locator("html")).toHaveAttribute("lang", lang);
      expect(await page.evaluate(untidy), lang).toEqual([]);
    }
  });
}
