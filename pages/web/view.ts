// A document to read: its pages as images that the browser may drop, with their text over them, or the text alone. Zoom makes the pages
// wider; the browser's own pinch works as everywhere. Text stands in SVG, whose places are attributes: the page's policy has no inline style.

import { LitElement, html, nothing, svg, type PropertyValues, type TemplateResult } from "lit";

import { Problem, pages } from "./api.js";
import { icon } from "./icons.js";
import { paragraphs } from "./reflow.js";
import { base } from "./style_base.js";
import { sheet } from "./style_sheet.js";
import type { Page } from "./types.js";
import type { Words } from "./words.js";

const ZOOMS = [1, 1.25, 1.5, 2, 3] as const;
const WIDTHS = [800, 1200, 2400] as const;

/** Pages that are told at once. */
const BLOCK = 50;

/** More pages than this are not looked for by scrolling alone. */
const JUMP_BEYOND = 10;

/** A4 in points, until it is known. */
const UNKNOWN: Pick<Page, "width" | "height"> = { width: 595, height: 842 };

/** How often an image that does not come is asked for again. */
const MAX_TRIES = 2;

type Trouble = "broken" | "connection";

export class RubricaDocument extends LitElement {
  static override styles = [base, sheet];

  static override properties = {
    words: { attribute: false },
    name: {},
    url: {},
    preview: { type: Boolean },
    zoom: { state: true },
    asText: { state: true },
    total: { state: true },
    trouble: { state: true },
    wide: { state: true },
  };

  declare words: Words;
  declare name: string;
  /** Public address of the document. */
  declare url: string;
  /** Whether it is only to be read. */
  declare preview: boolean;
  declare private zoom: number;
  declare private asText: boolean;
  declare private total: number;
  /** Why nothing of it is shown. */
  declare private trouble: Trouble | null;
  /** Width of a page in CSS pixels, without zoom. */
  declare private wide: number;

  private readonly known = new Map<number, Page>();
  private readonly seen = new Set<number>();
  private readonly troubles = new Map<number, Trouble>();
  private readonly tries = new Map<number, number>();
  private readonly blocks = new Set<number>();
  private ending = new AbortController();
  private near: IntersectionObserver | null = null;
  private size: ResizeObserver | null = null;

  constructor() {
    super();
    this.zoom = 0;
    this.asText = false;
    this.total = 0;
    this.trouble = null;
    this.wide = 800;
    this.preview = false;
    this.name = "";
    this.url = "";
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.ending = new AbortController();
    this.near = new IntersectionObserver((entries) => this.come(entries), { rootMargin: "100% 0px" });
    this.size = new ResizeObserver(([entry]) => {
      if (entry) this.wide = Math.max(100, Math.round(entry.contentRect.width));
    });
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.ending.abort();
    this.near?.disconnect();
    this.size?.disconnect();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    // A new address of the same document: what was told of its pages still holds.
    if (changed.has("url") && this.url && this.total === 0) void this.load(0);
  }

  protected override updated(): void {
    const box = this.renderRoot.querySelector(".pages");
    if (box) this.size?.observe(box);
    this.renderRoot.querySelectorAll("[data-page]:not([data-watched])").forEach((leaf) => {
      leaf.setAttribute("data-watched", "");
      this.near?.observe(leaf);
    });
  }

  /** Reads the block of pages that has this one. */
  private async load(page: number): Promise<void> {
    const from = page - (page % BLOCK);
    if (this.blocks.has(from)) return;
    this.blocks.add(from);
    const end = from + BLOCK;
    try {
      // Pages with much text come in several answers.
      for (let next = from; next < end && (this.total === 0 || next < this.total); ) {
        const told = await pages(this.url, next, this.ending.signal);
        told.pages.forEach((one, at) => this.known.set(told.from + at, one));
        this.total = told.total;
        this.trouble = null;
        this.requestUpdate();
        if (told.pages.length === 0) break;
        next = told.from + told.pages.length;
      }
    } catch (error) {
      this.blocks.delete(from);
      if (this.ending.signal.aborted || this.total > 0) return;
      const status = error instanceof Problem ? error.status : -1;
      if (status === 404 || status === 410) this.tell("rubrica-stale");
      this.trouble = [0, 404, 410, 429, 502, 503, 504].includes(status) ? "connection" : "broken";
      if (this.trouble === "broken") this.tell("rubrica-reading", { broken: true });
    }
  }

  private tell(name: string, detail: Record<string, unknown> = {}): void {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  private come(entries: IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      const page = Number((target as HTMLElement).dataset["page"]);
      if (!isIntersecting || this.seen.has(page)) continue;
      this.seen.add(page);
      void this.load(page);
      this.requestUpdate();
    }
  }

  /** An image that does not come: once more, then it is looked up why. */
  private async missing(page: number): Promise<void> {
    const tries = (this.tries.get(page) ?? 0) + 1;
    this.tries.set(page, tries);
    if (tries < MAX_TRIES) {
      await new Promise((go) => setTimeout(go, 1_000));
      this.requestUpdate();
      return;
    }
    let trouble: Trouble = "connection";
    try {
      const answer = await fetch(`${this.url}/pages/${page}/${WIDTHS[0]}`, { credentials: "omit", signal: this.ending.signal });
      // It came after all: the next look takes it.
      if (!answer.ok && ![404, 410, 429, 502, 503, 504].includes(answer.status)) trouble = "broken";
    } catch {
      // No connection.
    }
    if (this.ending.signal.aborted) return;
    this.troubles.set(page, trouble);
    if (trouble === "broken") this.tell("rubrica-reading", { broken: true });
    this.requestUpdate();
  }

  private again(page: number): void {
    this.troubles.delete(page);
    this.tries.delete(page);
    this.requestUpdate();
  }

  private reload(): void {
    this.trouble = null;
    void this.load(0);
  }

  private jump(event: SubmitEvent): void {
    event.preventDefault();
    const input = (event.currentTarget as HTMLFormElement).elements.namedItem("page") as HTMLInputElement;
    const page = Math.min(this.total, Math.max(1, Math.round(Number(input.value)) || 1)) - 1;
    input.value = String(page + 1);
    const leaf = this.renderRoot.querySelector<HTMLElement>(`[data-page="${page}"]`);
    leaf?.scrollIntoView({ block: "start" });
    leaf?.focus({ preventScroll: true });
  }

  private download(label: unknown): TemplateResult {
    return html`<a
      class="button"
      part="button"
      href=${this.url}
      download=${this.name}
      @click=${() => this.tell("rubrica-reading", { downloaded: true })}
      >${icon("down")}<span class="label">${label}</span></a
    >`;
  }

  /** Words in the place of what cannot be shown. */
  private gap(trouble: Trouble, again: () => void): TemplateResult {
    const { t } = this.words;
    return html`<div class="gap">
      <p>${t(trouble === "broken" ? "view.broken" : "view.connection")}</p>
      ${trouble === "broken"
        ? this.download(t("read.download"))
        : html`<button type="button" part="button" @click=${again}>${t("problem.retry")}</button>`}
    </div>`;
  }

  private text({ text, width, height }: Pick<Page, "width" | "height"> & Partial<Page>, shown: boolean): TemplateResult {
    const runs = shown ? (text ?? []).filter(({ w, h, s }) => w > 0 && h > 0 && s.trim() !== "") : [];
    return html`<svg class="text" viewBox="0 0 ${width} ${height}" focusable="false">
      ${runs.map(
        ({ x, y, w, h, s }) =>
          svg`<text x=${x} y=${y + h * 0.8} font-size=${h * 0.9} textLength=${w} lengthAdjust="spacingAndGlyphs">${s}</text>`,
      )}
    </svg>`;
  }

  private leaf(page: number): TemplateResult {
    const { t } = this.words;
    const known = this.known.get(page);
    const label = t("view.page", { page: page + 1, total: this.total });
    const trouble = this.troubles.get(page);
    const size = known ?? this.known.get(0) ?? UNKNOWN;
    const shown = this.seen.has(page) && known !== undefined;
    const address = `${this.url}/pages/${page}`;
    const again = (this.tries.get(page) ?? 0) > 0 ? "#again" : "";
    const picture = (): TemplateResult =>
      html`<img
          alt=${known?.state === "none" || known?.state === "unavailable" ? t("view.no_text") : ""}
          loading="lazy"
          decoding="async"
          width=${Math.round(size.width)}
          height=${Math.round(size.height)}
          srcset=${WIDTHS.map((width) => `${address}/${width}${again} ${width}w`).join(", ")}
          sizes="${Math.round(this.wide * (ZOOMS[this.zoom] ?? 1))}px"
          src="${address}/${WIDTHS[0]}${again}"
          @error=${() => void this.missing(page)}
        />${this.text(size, true)}`;
    return html`<div class="leaf" role="group" aria-label=${label} data-page=${page} tabindex="-1">
      ${trouble ? this.gap(trouble, () => this.again(page)) : shown ? picture() : this.text(size, false)}
      <span class="number" aria-hidden="true">${page + 1}</span>
    </div>`;
  }

  private asWords(page: number): TemplateResult {
    const { t } = this.words;
    const known = this.known.get(page);
    const found = known ? paragraphs(known.text) : [];
    return html`<div class="plain" role="group" aria-label=${t("view.page", { page: page + 1, total: this.total })} data-page=${page} tabindex="-1">
      <h3 aria-hidden="true">${t("view.page", { page: page + 1, total: this.total })}</h3>
      ${found.map((paragraph) => html`<p>${paragraph}</p>`)}
      ${known && found.length === 0 ? html`<p class="soft">${t("view.no_text")}</p>` : nothing}
      ${known?.state === "partial" ? html`<p class="soft">${t("view.part_of_text")}</p>` : nothing}
      ${known ? nothing : html`<p class="soft">${t("general.loading")}</p>`}
    </div>`;
  }

  private tools(): TemplateResult {
    const { t } = this.words;
    const level = ZOOMS[this.zoom] ?? 1;
    const zoom = (by: number): void => {
      this.zoom = Math.min(ZOOMS.length - 1, Math.max(0, this.zoom + by));
    };
    const step = (by: number, label: string, name: "minus" | "plus", end: boolean): TemplateResult =>
      html`<button type="button" part="button" aria-label=${label} aria-disabled=${end ? "true" : nothing} @click=${() => zoom(by)}>
        ${icon(name)}
      </button>`;
    return html`<div class="tools" role="group" aria-label=${t("view.tools", { name: this.name })}>
      ${this.asText
        ? nothing
        : html`${step(-1, t("view.smaller"), "minus", this.zoom === 0)}
            <output class="level">${level.toLocaleString(this.words.lang, { style: "percent" })}</output>
            ${step(1, t("view.larger"), "plus", this.zoom === ZOOMS.length - 1)}`}
      <button type="button" part="button" aria-pressed=${this.asText ? "true" : "false"} @click=${() => (this.asText = !this.asText)}>
        ${icon("lines")}${t("view.as_text")}
      </button>
      ${this.download(t("read.download"))}
      ${this.total > JUMP_BEYOND
        ? html`<form class="jump" novalidate @submit=${this.jump}>
            <label for="page">${t("view.go_to")}</label>
            <input id="page" name="page" type="text" inputmode="numeric" autocomplete="off" />
            <button part="button">${t("view.go")}</button>
          </form>`
        : nothing}
    </div>`;
  }

  protected override render(): unknown {
    const { t, count } = this.words;
    const numbers = Array.from({ length: this.total }, (_, page) => page);
    const content = (): TemplateResult => {
      if (this.trouble) return html`<div class="pages"><div class="leaf">${this.gap(this.trouble, () => this.reload())}</div></div>`;
      if (this.total === 0) return html`<div class="pages"><div class="leaf"><div class="gap">${t("general.loading")}</div></div></div>`;
      if (this.asText) return html`<div class="words">${numbers.map((page) => this.asWords(page))}</div>`;
      // What is wider than the window is scrolled with the keyboard as well.
      const scrolls = this.zoom > 0;
      return html`<div
        class="pages"
        tabindex=${scrolls ? 0 : nothing}
        role=${scrolls ? "region" : nothing}
        aria-label=${scrolls ? t("view.pages_of", { name: this.name }) : nothing}
      >
        <div class="stack" data-zoom=${ZOOMS[this.zoom] ?? 1}>${numbers.map((page) => this.leaf(page))}</div>
      </div>`;
    };
    return html`<section aria-label=${this.name}>
      <div class="head">
        <h2>${this.name}</h2>
        ${this.preview ? html`<span class="tag">${t("documents.preview_only")}</span>` : nothing}
        ${this.total > 0 ? html`<span class="soft small">${count("view.pages", this.total)}</span>` : nothing}
      </div>
      ${this.tools()} ${content()}
    </section>`;
  }
}

if (!customElements.get("rubrica-document")) customElements.define("rubrica-document", RubricaDocument);
