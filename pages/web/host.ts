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

export type Act = "code" | "answer" | "read" | "sign" | "decline" | "link" | "retry";

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
