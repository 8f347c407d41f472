// Pictures that say what a word beside them says: hidden from those who hear the page.

import { svg, html, type TemplateResult } from "lit";

const PATHS = {
  file: svg`<path d="M14 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8z"/><path d="M14 3v5h5"/>`,
  tick: svg`<path d="M5 12.5l5 5L19.5 7"/>`,
  cross: svg`<path d="M6 6l12 12M18 6L6 18"/>`,
  clock: svg`<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3.5 2"/>`,
  more: svg`<path d="M9 6l6 6-6 6"/>`,
  down: svg`<path d="M12 4v11m-5-5l5 5 5-5M5 20h14"/>`,
  minus: svg`<path d="M5 12h14"/>`,
  plus: svg`<path d="M5 12h14M12 5v14"/>`,
  lines: svg`<path d="M5 6h14M5 12h14M5 18h9"/>`,
} as const;

export const icon = (name: keyof typeof PATHS): TemplateResult =>
  html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${PATHS[name]}</svg>`;
