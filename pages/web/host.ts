// What a flow and the page around it tell each other.

import type { Key, Values } from "./words.js";

/** Something to tell the signer, at a field or for the whole step. */
export interface Message {
  key: Key;
  values?: Values;
  /** Id of the field that it is about. */
  field?: string;
  requestId?: string;
}

export type Act = "code" | "answer" | "check" | "read" | "sign" | "decline" | "link" | "retry";

/** The page around a flow. */
export interface Host {
  changed(): void;
  /** Tells whoever uses the page. */
  emit(name: string, detail?: Record<string, unknown>): void;
  announce(message: Message): void;
}

/** What of a document was seen. */
export interface Reading {
  /** A page of it could not be shown. */
  broken: boolean;
  downloaded: boolean;
}

/** What to say of a code that was refused, with so many tries left. */
export function refusedCode(status: number, left: number | null): Message | null {
  if (status === 410) return { key: "answer.expired", field: "code" };
  if (status !== 403) return null;
  if (left === 0) return { key: "answer.used_up", field: "code" };
  if (left === null) return { key: "answer.wrong", field: "code" };
  return { key: left === 1 ? "answer.wrong_left.one" : "answer.wrong_left.other", values: { n: left }, field: "code" };
}
