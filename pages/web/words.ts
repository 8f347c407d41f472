// The words of the page: a file per language, loaded when it is needed. Dates and numbers as the language writes them.

import type english from "../texts/en.json";
import { load, type ExtraName } from "./extra.js";

type Texts = typeof english;

/** Keys of the words that pages in browsers show; those of `page` are the server's own. */
export type Key = Exclude<keyof Texts, `page.${string}`>;

/** Keys that have a form for one and another for several. */
export type Countable = Key extends infer K ? (K extends `${infer Stem}.other` ? Stem : never) : never;

export type Values = Record<string, string | number>;

/** Words as a file has them. */
type Entries = Record<string, string>;

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
    private readonly texts: Entries,
    /** Whose words are among them. */
    readonly extra: ExtraName | null,
  ) {
    this.region = navigator.languages.find((tag) => primary(tag) === lang) ?? (lang === "en" ? "en-GB" : lang);
  }

  /** Those of a language, or of English if it has none, with those of an extra. */
  static async of(lang: string, extra: ExtraName | null): Promise<Words> {
    const tag = lang in NAMES ? lang : "en";
    // If this script is of a version that the server no longer is, the words of the present one are nearly the same.
    const own = load<Entries>(`${LANGUAGES[tag]}`).catch(() => load<Entries>(`${STEM}-${tag}.js`));
    const [texts, more] = await Promise.all([own, extra ? load<Entries>(`${EXTRAS[extra].words[tag]}`) : {}]);
    return new Words(tag, { ...texts, ...more }, extra);
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
