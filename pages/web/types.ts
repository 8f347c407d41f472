// Shapes of what the server says to a signer's page: `/pages/api` and the operations of the contract that a signer's tokens open.

export type SignType = "SIMPLE" | "BIOMETRIC";

export type IdentificationStatus = "CREATED" | "VALIDATED" | "SUCCEEDED" | "FAILED" | "CANCELLED" | "EXPIRED";

export type ProcessStatus = "CREATED" | "SIGNED" | "CERTIFIED" | "CANCELLED" | "EXPIRED" | "FAILED";

/** How an identification by code stands. Instants are RFC 3339, of process time. */
export interface Otp {
  channel: "SMS" | "EMAIL" | "WHATSAPP";
  /** Masked. */
  destination: string;
  second_factor: "DOCUMENT_NUMBER" | "EMAIL" | null;
  challenges_left: number;
  validations_left: number | null;
  next_challenge_at: string | null;
  code_expires_at: string | null;
  /** How many digits a code has. */
  digits: number;
  /** `null`: on its way, or none was asked for. */
  delivery: "ACCEPTED" | "DELIVERED" | "READ" | "FAILED" | "UNKNOWN" | null;
  delivered_at: string | null;
  /** Whether the tenant delivers the code itself. */
  external: boolean;
  /** Whether somebody of the tenant has to check the contact besides. */
  needs_contact_check: boolean;
}

export interface Identification {
  type: "OTP" | "AGENT" | "IDENTITY_DOCUMENT";
  id: string;
  status: IdentificationStatus;
  /** `null` for other types, and for a moment while it is made. */
  otp: Otp | null;
  /** By which the agents' desk finds whoever waits for an agent; `null` for all others. */
  desk_code: string | null;
  /** `null` for other types, and for a moment while it is made. */
  document: DocumentCheck | null;
}

/** How the check of an identity document stands. */
export interface DocumentCheck {
  /** Of the session that takes the pictures. */
  scoring_id: string;
  /** Class of the document that is expected. */
  document_type: string;
  /** Whether pictures are sent from here; if not, they are taken at the provider. */
  takes_pictures: boolean;
  provider: string;
  /** Maximum size of a picture, in bytes. */
  picture_limit: number;
  attempts_left: number;
  under_way_until: string | null;
  paused_until: string | null;
  /** What the newest pictures came to. */
  last: { number: number; passed: boolean; fail_reason: string | null; failed_checks: string[] } | null;
}

export interface Ended {
  why: "DECLINED" | "CANCELLED" | "EXPIRED" | "FAILED";
  at: string;
  by_you: boolean;
  reason: string | null;
}

export interface Download {
  kind: "DOCUMENT" | "CERTIFICATE";
  id: string;
  name: string;
  /** For an hour. */
  url: string;
}

export interface Invitation {
  /** Another one whenever what is shown here has changed. */
  revision: string;
  /** Process time. */
  now: string;
  sign_id: string;
  sign_process_id: string;
  tenant: {
    name: string;
    contact_email: string | null;
    contact_phone: string | null;
    privacy_url: string | null;
    /** Path of its logo, below the server's address. */
    logo: string | null;
    /** Colour of buttons and links, of light pages and of dark ones. */
    accent: { light: string; dark: string } | null;
  };
  signer: { name: string; position: number; count: number; language: string };
  sign_type: SignType;
  until: string | null;
  process_status: ProcessStatus;
  status: string;
  ended: Ended | null;
  signed_at: string | null;
  /** When the signer had read the documents. */
  previewed_at: string | null;
  others: { signed: number; pending: number };
  documents: { id: string; name: string; preview_only: boolean; size: number | null; pages: number | null }[];
  identification: Identification;
  /** Whether documents and certificate are sealed. */
  sealed: boolean;
  /** What is sealed, for who has the token of the signature. */
  downloads: Download[];
  landing: { languages: string[]; default_language: string };
}

/** Name and public URL of a document. */
export interface NamedUrl {
  name: string;
  url: string;
}

/** A signature as the contract shows it: the documents that the signer reads. */
export interface SignDetail {
  preview_documents: NamedUrl[];
  signable_documents: NamedUrl[];
}

/** A signature by hand as the contract takes it. */
export interface Writing {
  /** What was drawn, as `rubrica-strokes-1`. */
  biometric_data: string;
  /** Its picture: a PNG in base64. */
  signature_image: string;
}

/** Letters in one line: points from the upper left corner of the page. */
export interface Run {
  x: number;
  y: number;
  w: number;
  h: number;
  s: string;
}

export interface Page {
  /** In points. */
  width: number;
  height: number;
  text: Run[];
  state: "complete" | "none" | "partial" | "unavailable";
}

export interface Pages {
  total: number;
  /** Number of the first page in the list, counted from 0. */
  from: number;
  pages: Page[];
}
