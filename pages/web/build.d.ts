// What build.mjs puts in.

/** Which sources these are: hexadecimal. */
declare const BUILD: string;

/** The file of words of each language, by its tag. */
declare const LANGUAGES: Record<string, string>;
