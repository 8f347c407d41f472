// What a token says of its time. Nothing of it is trusted: the server decides whether a token is good.

/** The longest pause of a browser's timer, in milliseconds. */
export const MAX_TIMER = 2 ** 31 - 1;

/** When a token was issued and when it ends, in milliseconds of Unix time; `null` if it does not say so. */
export function times(token: string): { issued: number; ends: number } | null {
  try {
    const claims = JSON.parse(atob((token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/"))) as { iat?: number; exp?: number };
    const [issued, ends] = [(claims.iat ?? NaN) * 1_000, (claims.exp ?? NaN) * 1_000];
    return ends > issued ? { issued, ends } : null;
  } catch {
    return null;
  }
}

/** How long a token lives, in milliseconds; `null` if it does not say so. */
export function lifetime(token: string): number | null {
  const said = times(token);
  return said && said.ends - said.issued;
}
