// What build.mjs puts in.

/** Which sources these are: hexadecimal. */
declare const BUILD: string;

/** The file of words of each language, by its tag. */
declare const LANGUAGES: Record<string, string>;

/** What the stable names of these files begin with. */
declare const STEM: string;

/** The files of each extra: its script, and its words by the language's tag. */
declare const EXTRAS: Record<import("./extra.js").ExtraName, { script: string; words: Record<string, string> }>;

/** The file that makes QR codes. */
declare const QR: string;
