// How all parts of the element look. Colours come from five variables that whoever uses it may set, in both schemes or in each; the rest follows.

import { css } from "lit";

const DARK = css`
  --accent-of-scheme: #9cc2ff;
  --on-accent-of-scheme: #0b1b33;
  --ink-of-scheme: #e9edf3;
  --paper-of-scheme: #1c2128;
  --ground-of-scheme: #13161b;
  --soft: #aab3c0;
  --line: #3d4652;
  --edge: #8b96a5;
  --error: #ff9d94;
  --error-ground: #3a2022;
  --good: #7ed9a0;
  --note-ground: #26303d;
  color-scheme: dark;
`;

/** Colours, and what every part has. */
export const base = css`
  :host {
    --accent-of-scheme: #1d4f91;
    --on-accent-of-scheme: #ffffff;
    --ink-of-scheme: #1a1f27;
    --paper-of-scheme: #ffffff;
    --ground-of-scheme: #f1f4f8;
    --soft: #4f5a69;
    --line: #d5dbe3;
    --edge: #6f7b8a;
    --error: #b3261e;
    --error-ground: #fdeceb;
    --good: #176b3a;
    --note-ground: #e9f0fa;
    color-scheme: light;
    display: block;
    color: var(--c-ink);
    font: 400 1rem/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
    -webkit-text-size-adjust: 100%;
    text-size-adjust: 100%;
  }
  @media (prefers-color-scheme: dark) {
    :host(:not([scheme="light"])) {
      ${DARK}
    }
  }
  :host([scheme="dark"]) {
    ${DARK}
  }
  :host {
    --c-accent: var(--accent, var(--accent-of-scheme));
    --c-on-accent: var(--on-accent, var(--on-accent-of-scheme));
    --c-ink: var(--ink, var(--ink-of-scheme));
    --c-paper: var(--paper, var(--paper-of-scheme));
    --c-ground: var(--ground, var(--ground-of-scheme));
    --c-radius: var(--radius, 0.6rem);
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  [hidden] {
    display: none !important;
  }
  h1,
  h2,
  h3,
  p,
  ul,
  ol,
  figure {
    margin: 0;
    padding: 0;
  }
  ul,
  ol {
    list-style: none;
  }
  h1,
  h2 {
    line-height: 1.25;
    text-wrap: balance;
  }
  h1 {
    font-size: clamp(1.45rem, 1.2rem + 1.4vw, 1.85rem);
    font-weight: 650;
    letter-spacing: -0.01em;
  }
  h2 {
    font-size: 1.05rem;
    font-weight: 650;
  }
  h1,
  p,
  li,
  dd,
  summary {
    overflow-wrap: anywhere;
  }
  h1:focus {
    outline: none;
  }
  a {
    color: var(--c-accent);
    text-underline-offset: 0.15em;
  }
  svg.icon {
    width: 1.25em;
    height: 1.25em;
    flex: none;
    vertical-align: -0.25em;
    fill: none;
    stroke: currentColor;
    stroke-width: 2;
    stroke-linecap: round;
    stroke-linejoin: round;
  }
  button,
  select,
  input,
  textarea,
  a.button {
    font: inherit;
    color: inherit;
    border-radius: var(--c-radius);
  }
  button,
  a.button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 0.5rem;
    min-height: 2.75rem;
    min-width: 2.75rem;
    padding: 0.5rem 1rem;
    border: 1px solid var(--edge);
    background: var(--c-paper);
    color: var(--c-accent);
    font-weight: 600;
    text-decoration: none;
    text-align: center;
    cursor: pointer;
  }
  button:hover,
  a.button:hover {
    background: var(--note-ground);
  }
  button.main,
  a.button.main {
    background: var(--c-accent);
    color: var(--c-on-accent);
    border-color: transparent;
  }
  button.main:hover,
  a.button.main:hover {
    filter: brightness(1.1);
  }
  button.danger {
    background: var(--error);
    color: var(--c-paper);
    border-color: transparent;
  }
  button.text {
    border-color: transparent;
    background: none;
    text-decoration: underline;
    text-underline-offset: 0.15em;
    padding-inline: 0.25rem;
  }
  button[aria-disabled="true"] {
    cursor: not-allowed;
    background: var(--c-paper);
    color: var(--soft);
    border: 1px dashed var(--edge);
    filter: none;
  }
  :focus-visible {
    outline: 3px solid var(--c-accent);
    outline-offset: 2px;
  }
  @media (forced-colors: active) {
    button,
    a.button {
      border-color: ButtonText;
    }
    :focus-visible {
      outline-color: Highlight;
    }
  }
`;

const COLOUR = /^#[0-9a-f]{6}$/;

/** The sheet of a tenant's colour: as dark as it is on light pages, lighter on dark ones. What is no colour sets none. */
export function tint({ light, dark }: { light: string; dark: string }): string {
  if (!COLOUR.test(light) || !COLOUR.test(dark)) return "";
  const own = (colour: string): string => `{--accent-of-scheme:${colour}}`;
  return `:host${own(light)}@media (prefers-color-scheme:dark){:host(:not([scheme="light"]))${own(dark)}}:host([scheme="dark"])${own(dark)}`;
}
