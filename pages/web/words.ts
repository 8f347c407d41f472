// The words of the page: a file per language, loaded when it is needed. Dates and numbers as the language writes them.

import type english from "../texts/en.json";

type Texts = typeof english;

/** Keys of the words that pages in browsers show; those of `page` are the server's own. */
export type Key = Exclude<keyof Texts, `page.${string}`>;

/** Keys that have a form for one and another for several. */
export type Countable = Key extends infer K ? (K extends `${infer Stem}.other` ? Stem : never) : never;

export type Values = Record<string, string | number>;

/** Languages by their tag (BCP 47), as they call themselves, in the order in which they are offered. */
export const NAMES: Record<string, string> = {
  es: "Español",
  en: "English",
  ca: "Català",
  eu: "Euskara",
  gl: "Galego",
  de: "Deutsch",
};

const primary = (tag: string): string => (tag.split("-")[0] ?? "").toLowerCase();

/** The first of the wanted languages that is offered, else the other one. */
export function chosen(wanted: readonly string[], offered: readonly string[], otherwise: string): string {
  return wanted.map(primary).find((tag) => offered.includes(tag)) ?? primary(otherwise);
}

export class Words {
  /** The language as it is spoken where the browser is, for dates and numbers. */
  private readonly region: string;

  private constructor(
    readonly lang: string,
    private readonly texts: Record<string, string>,
  ) {
    this.region = navigator.languages.find((tag) => primary(tag) === lang) ?? (lang === "en" ? "en-GB" : lang);
  }

  /** Those of a language, or of English if it has none. */
  static async of(lang: string): Promise<Words> {
    const tag = lang in NAMES ? lang : "en";
    const load = async (name: string): Promise<Record<string, string>> =>
      ((await import(new URL(name, import.meta.url).href)) as { default: Record<string, string> }).default;
    try {
      return new Words(tag, await load(`./${LANGUAGES[tag]}`));
    } catch {
      // This script is of a version that the server no longer is: the words of the present one are nearly the same.
      return new Words(tag, await load(`./lang-${tag}.js`));
    }
  }

  /** A text with its values in the places of their names. A key without a text shows itself. */
  readonly t = (key: Key, values: Values = {}): string =>
    (this.texts[key] ?? key).replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place));

  /** A text for so many. */
  readonly count = (key: Countable, n: number, values: Values = {}): string =>
    this.t(`${key}.${n === 1 ? "one" : "other"}` as Key, { n: n.toLocaleString(this.region), ...values });

  /** Day and time with the zone. */
  readonly moment = (instant: string | number): string =>
    new Intl.DateTimeFormat(this.region, {
      day: "numeric",
      month: "long",
      year: "numeric",
      hour: "2-digit",
      minute: "2-digit",
      timeZoneName: "short",
    }).format(new Date(instant));

  /** Hour and minute. */
  readonly time = (instant: string | number): string =>
    new Intl.DateTimeFormat(this.region, { hour: "2-digit", minute: "2-digit" }).format(new Date(instant));

  /** A number of bytes, in a unit that people know. */
  readonly size = (bytes: number): string => {
    const [value, unit] = bytes < 1_000_000 ? [Math.max(1, bytes / 1_000), "kilobyte"] : [bytes / 1_000_000, "megabyte"];
    const format = { style: "unit", unit, maximumFractionDigits: unit === "kilobyte" ? 0 : 1 } as const;
    return new Intl.NumberFormat(this.region, format).format(value);
  };
}
