// Steps that most signers never see come as an extra: a script and a file of words of its own, loaded while the signer is at the step before.
// An extra imports nothing that the page has already; what it needs of that it gets as its kit.

import type { Flow } from "./flow.js";
import type { Kit } from "./kit.js";
import type { Screen } from "./parts.js";
import type { Step } from "./steps.js";
import type { Invitation } from "./types.js";

/** The extras there are; the keys of their words begin with the name. */
export type ExtraName = "hand" | "desk" | "card";

/** What an extra adds to the page, for one flow. */
export interface Extra {
  /** A style sheet. */
  style: string;
  screens: Partial<Record<Step, Screen>>;
  /** Forgets what the signer did in it. */
  close(): void;
}

/** What the script of an extra exports. */
export type Make = (kit: Kit, flow: Flow) => Extra;

/** The extra that a step is in. */
export function extraOf(step: Step, invitation: Invitation | null): ExtraName | null {
  if (step === "desk" || step === "card") return step;
  return step === "sign" && invitation?.sign_type === "BIOMETRIC" ? "hand" : null;
}

/** The extra that the step needs, or the one after it. */
export const extraFor = ({ step, invitation }: Flow): ExtraName | null => extraOf(step === "read" ? "sign" : step, invitation);

/** How often a file did not come. */
const failures = new Map<string, number>();

/** What a file of ours exports. Browsers remember by its address what did not come, so another try has another one. */
export async function load<T>(name: string): Promise<T> {
  const tries = failures.get(name) ?? 0;
  try {
    const { href } = new URL(`./${name}${tries ? `#${tries}` : ""}`, import.meta.url);
    return ((await import(href)) as { default: T }).default;
  } catch (error) {
    failures.set(name, tries + 1);
    throw error;
  }
}
