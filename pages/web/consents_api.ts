// The two calls of the element of consents, and what goes over the wire in them (contract `consents-v2`).

import { Problem, json, send, tried } from "./api.js";

/** 0 accepted, 1 pending, 2 rejected: of the consent itself, not of how a box is ticked. */
export type Choice = 0 | 1 | 2;

export const [ACCEPTED, PENDING, REJECTED] = [0, 1, 2] as const;

/** Contract `Statement`. */
export interface Statement {
  id: string;
  text: string;
  description: string;
  choice: Choice;
  choice_type: "OPT_IN" | "OPT_OUT_NEGATIVE" | "OPT_OUT_POSITIVE";
  /** Until when an acceptance lasts; left out where it has no end. */
  expiration_date?: string;
  /** It is there for what depends on it, and not to be answered. */
  read_only: boolean;
  child_statements: Statement[];
}

/** What a read displays. */
export interface Display {
  statements: Statement[];
  /** Language and country of all texts, joined by an underscore. */
  locale: string;
  /** Whether the customer has given any choice in this segment. */
  known: boolean;
  /** Stands for what is displayed, and goes back with the choices. */
  key: string;
}

/** Contract `Selection`. */
export interface Selection {
  id: string;
  choice: Choice;
}

/** Contract `CustomerConsentsRequest`. */
export interface Capture {
  actor_id: string;
  selections: Selection[];
  ip: string;
  sell_channel: string;
  trace_id: string;
  capture_date: string;
}

/** A capture as it is sent: with what it was displayed under. Sent twice, it is recorded once. */
export interface Sending {
  key: string;
  /** Tag of the language of the texts. */
  lang: string;
  capture: Capture;
}

interface Recorded {
  id: string;
  /** Consents of which a choice of a later date holds. */
  superseded?: string[];
}

/** Whose consents they are, and which of them. */
export interface Place {
  /** Address of the server, without a slash at its end. */
  base: string;
  org: string;
  segment: string;
  /** `self` is the customer of the token. */
  customer: string;
  /** Whether the tree is that for customers or that for leads. */
  users: "customers" | "leads";
  /** Views of the tree, to show no more than these; empty: what the server shows by itself. */
  views: string[];
}

/** A text as the bytes of a header: UTF-8, of which scripts say each byte as a letter. */
const header = (text: string): string => String.fromCharCode(...new TextEncoder().encode(text));

/** The tag (BCP 47) of a locale. */
export const tagOf = (locale: string): string => locale.replace("_", "-");

export class ConsentsApi {
  /** Of the web component, from `securize`. */
  token = "";

  constructor(private readonly place: Place) {}

  private url(views: readonly string[]): string {
    const { base, org, customer, users } = this.place;
    const query = new URLSearchParams(views.map((view) => ["view", view]));
    if (users === "leads") query.set("users_type", "leads");
    const path = `/v2/orgs/${encodeURIComponent(org)}/customers/${encodeURIComponent(customer)}/consents`;
    return `${base}${path}?${query}`.replace(/\?$/, "");
  }

  /** Reads what is to be shown, in several tries. */
  read(lang: string, views = this.place.views): Promise<Display> {
    const headers = { "x-segment": header(this.place.segment), "accept-language": lang };
    return tried(async () => {
      const answer = await send("GET", this.url(views), { bearer: this.token, headers });
      const { statements, locale } = await json<{ statements: Statement[]; locale: string }>(answer);
      const key = answer.headers.get("x-key");
      // Without a key nothing can be saved: something between here and the server takes it away.
      if (!key) throw new Problem(502, "NO_KEY");
      return { statements, locale, known: answer.status === 202, key };
    });
  }

  /** Records choices. Sent once: whoever gets no answer reads how it ended. */
  async capture({ key, lang, capture }: Sending): Promise<Recorded> {
    const headers = { "x-segment": header(this.place.segment), "accept-language": lang, "x-key": key };
    return json(await send("POST", this.url([]), { bearer: this.token, body: capture, headers }));
  }
}
