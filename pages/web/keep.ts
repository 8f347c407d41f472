// What a browser keeps of a signer. Kept for good: which installation this is (evidence, no secret) and the language. Kept for the tab alone,
// so that a reload goes on and whoever takes the device later does not: the link's secret and the key that opens the signature again. A
// further tab asks those that are open; what is closed has to prove again who it is.

/** How long another tab may take to answer, in milliseconds. */
const PATIENCE = 250;

const INSTALLATION = "rubrica-installation";
const LANGUAGE = "rubrica-language";

/** Storage that may be switched off: then nothing is kept. */
function get(storage: () => Storage, name: string): string | null {
  try {
    return storage().getItem(name);
  } catch {
    return null;
  }
}

function put(storage: () => Storage, name: string, value: string | null): void {
  try {
    if (value === null) storage().removeItem(name);
    else storage().setItem(name, value);
  } catch {
    // Switched off or full.
  }
}

const forGood = (): Storage => localStorage;
const forTheTab = (): Storage => sessionStorage;

export function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
}

const random = (bytes: number): string => base64url(crypto.getRandomValues(new Uint8Array(bytes)));

/** Headers that say which device this is: what the evidence of an act has. */
export function device(): Record<string, string> {
  let id = get(forGood, INSTALLATION);
  if (!id || !/^[\w-]{16,64}$/.test(id)) {
    id = random(16);
    put(forGood, INSTALLATION, id);
  }
  const { width, height } = screen;
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const looks = [`${width}x${height}x${devicePixelRatio}`, navigator.language, timeZone, `touch ${navigator.maxTouchPoints}`];
  // A header has ASCII alone.
  const fingerprint = looks.join("; ").replace(/[^\x20-\x7e]/g, "?").slice(0, 500);
  return { "x-installation_id": id, "x-fingerprint": fingerprint };
}

export const language = (): string | null => get(forGood, LANGUAGE);
export const keepLanguage = (lang: string): void => put(forGood, LANGUAGE, lang);

/** The secret of the link, for a reload. */
export const link = (sign: string): string | null => get(forTheTab, `rubrica-link:${sign}`);
export const keepLink = (sign: string, k: string | null): void => put(forTheTab, `rubrica-link:${sign}`, k);

/** Whether this tab has gone on from the invitation. */
export const begun = (sign: string): boolean => get(forTheTab, `rubrica-begun:${sign}`) === "1";
export const keepBegun = (sign: string): void => put(forTheTab, `rubrica-begun:${sign}`, "1");

/** Whether this tab has asked for a code. */
export const asked = (sign: string): boolean => get(forTheTab, `rubrica-asked:${sign}`) === "1";
export const keepAsked = (sign: string, is: boolean): void => put(forTheTab, `rubrica-asked:${sign}`, is ? "1" : null);

/** The key that opens a signature again after its identification, and what of it the server is told. */
export class ResumeKey {
  private readonly name: string;
  private readonly tabs: BroadcastChannel | null;

  constructor(sign: string) {
    this.name = `rubrica-resume:${sign}`;
    this.tabs = typeof BroadcastChannel === "function" ? new BroadcastChannel(this.name) : null;
    this.tabs?.addEventListener("message", (event: MessageEvent<unknown>) => {
      const key = this.kept();
      if (event.data === "key?" && key !== null) this.tabs?.postMessage({ key });
    });
  }

  close(): void {
    this.tabs?.close();
  }

  private kept(): string | null {
    const key = get(forTheTab, this.name);
    return key && /^[\w-]{43}$/.test(key) ? key : null;
  }

  /** SHA-256 of the key, which is made and kept if there is none; `null` where the browser makes no digests, as on pages without TLS. */
  async hash(): Promise<string | null> {
    if (!crypto.subtle) return null;
    // One that is there stays: an answer that got lost may have told the server of it.
    const key = this.kept() ?? random(32);
    put(forTheTab, this.name, key);
    return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", bytesOf(key))));
  }

  /** The key of this tab, or of another one that is open. */
  async find(): Promise<string | null> {
    const own = this.kept();
    const tabs = this.tabs;
    if (own !== null || tabs === null) return own;
    const given = await new Promise<string | null>((done) => {
      const heard = (event: MessageEvent<{ key?: unknown }>): void => {
        const key = event.data?.key;
        if (typeof key === "string" && /^[\w-]{43}$/.test(key)) done(key);
      };
      tabs.addEventListener("message", heard);
      tabs.postMessage("key?");
      setTimeout(() => {
        tabs.removeEventListener("message", heard);
        done(null);
      }, PATIENCE);
    });
    if (given !== null) put(forTheTab, this.name, given);
    return given;
  }

  /** It opens nothing any more. */
  forget(): void {
    put(forTheTab, this.name, null);
  }
}
