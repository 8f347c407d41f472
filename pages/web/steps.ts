// Which step a signer is at. The server's state decides; what the page wants of itself is followed only where that state allows it. So a
// reload, the back button and a second tab land where the signature is, and never beyond it.

import type { Invitation } from "./types.js";

export type Step =
  | "loading"
  | "invitation"
  | "code_ask"
  | "code_answer"
  | "read"
  | "sign"
  | "decline"
  | "signed"
  | "ended"
  | "desk"
  | "card"
  | "fault";

/** Why there is no invitation to show. */
export type Fault = "incomplete" | "gone" | "session" | "down";

/** What the server counts of them. */
export const COUNTED: Record<Fault, string> = { incomplete: "FRAGMENT", gone: "HTTP_404", session: "HTTP_401", down: "NETWORK" };

/** Where the page wants to be: `on` is as far as the state goes. */
export type Wish = "invitation" | "code_ask" | "code_answer" | "read" | "sign" | "decline" | "on";

export interface Position {
  invitation: Invitation | null;
  fault: Fault | null;
  wish: Wish;
  /** Whether there is a token for the signature. */
  access: boolean;
  /** Whether this page has asked for a code. */
  asked: boolean;
  /** Whether the documents were read here. */
  read: boolean;
  /** Process time, in milliseconds. */
  now: number;
}

/** Whether nothing changes any more. */
export function settled(invitation: Invitation): boolean {
  const { ended, process_status } = invitation;
  return ended !== null || !["CREATED", "SIGNED"].includes(process_status);
}

/** Whether the signer is identified. */
export const identified = ({ identification: { status } }: Invitation): boolean => status === "VALIDATED" || status === "SUCCEEDED";

/** Whether somebody was here before: a code was sent or answered, or pictures were. */
export function underWay(invitation: Invitation): boolean {
  return identified(invitation) || Boolean(invitation.identification.otp?.code_expires_at ?? invitation.identification.document?.last);
}

export function step(position: Position): Step {
  const { invitation, fault, wish, access, asked, read, now } = position;
  if (fault) return "fault";
  if (!invitation) return "loading";
  const { ended, signed_at, process_status, identification } = invitation;
  if (signed_at !== null) return "signed";
  if (ended || process_status !== "CREATED") return "ended";
  if (wish === "decline" || wish === "invitation") return wish;
  if (identified(invitation) && access) {
    const seen = read || invitation.previewed_at !== null;
    return seen && (wish === "sign" || wish === "on") ? "sign" : "read";
  }
  if (identification.status !== "CREATED" && !identified(invitation)) return "ended";
  if (identification.type !== "OTP") return identification.type === "AGENT" ? "desk" : "card";
  const expires = identification.otp?.code_expires_at;
  const alive = expires != null && Date.parse(expires) > now;
  // The code that identified the signer may still be known; it is none to prove anything with again.
  const waits = asked ? alive || expires == null : alive && !identified(invitation);
  return waits && wish !== "code_ask" ? "code_answer" : "code_ask";
}
