// Where a page of the server is: the signature that its address names, and the address of the server.

export interface Place {
  /** Address of the server, without a slash at its end: it may be below a path. */
  base: string;
  org: string;
  sign: string;
}

/** A UUID of its 22 letters of base64url. */
function uuid(short: string): string {
  const bytes = atob(`${short.replace(/-/g, "+").replace(/_/g, "/")}==`);
  const hex = Array.from(bytes, (byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** What `…/{kind}/{organization}/{signature}` names; `null` if the address is broken. */
export function placeOf(kind: "s" | "embed", path: string): Place | null {
  const [, before = "", own, org = "", short = ""] = /^(.*)\/(s|embed)\/([^/]+)\/([\w-]{22})$/.exec(path) ?? [];
  if (own !== kind) return null;
  try {
    return { base: location.origin + before, org: decodeURIComponent(org), sign: uuid(short) };
  } catch {
    // A `%` that encodes nothing, as when an address was cut.
    return null;
  }
}
