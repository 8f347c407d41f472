// Every screen in every state: how it comes about, and what its heading is. Tests look at each in several ways.

import type { Page } from "@playwright/test";

import * as hand from "./hand.js";
import { CODE, LINK, SIGN, button, error, expect, heading, later, open, toDocuments, toSign, type Scene } from "./scene.js";

export interface State {
  name: string;
  /** Its heading in English. */
  title: string | RegExp;
  /** Before the page is opened. */
  given?: (scene: Scene) => void;
  /** Opens the page and goes there; by default the link is opened. */
  when?: (page: Page, scene: Scene) => Promise<void>;
  /** Text that only this state has. */
  shows?: string | RegExp;
}

/** From the link to the first step. */
export const go = async (page: Page): Promise<void> => {
  await open(page);
  await button(page, /^(Continue|Go on)/).click();
};

const toCode = async (page: Page): Promise<void> => {
  await go(page);
  await button(page, "Send the code").click();
  await expect(heading(page, "Type the code")).toBeVisible();
};

const answers = async (page: Page, code: string): Promise<void> => {
  await toCode(page);
  await page.getByLabel("Code").fill(code);
  await button(page, "Check the code").click();
};

const toDecline = async (page: Page): Promise<void> => {
  await open(page);
  await page.getByText("Not you?").click();
  await button(page, "Decline to sign").click();
};

const toSigned = async (page: Page): Promise<void> => {
  await toSign(page);
  await page.getByRole("checkbox").check();
  await button(page, "Sign").click();
};

const byHand = (scene: Scene): void => void (scene.invitation.sign_type = "BIOMETRIC");

/** To a pad with something on it. */
const toDrawn = async (page: Page, draw: (page: Page) => Promise<void> = (page) => hand.mouse(page, hand.SIGNATURE)): Promise<void> => {
  await toSign(page);
  await draw(page);
  await expect(hand.pad(page)).toHaveAccessibleName(/strokes?\.$/);
};

/** Presses Sign, after what was drawn and ticked. */
const sends = async (page: Page, draw?: (page: Page) => Promise<void>): Promise<void> => {
  await toDrawn(page, draw);
  await page.getByRole("checkbox").check();
  await button(page, "Sign").click();
};

/** By hand, where the server answers the signature so. */
const answered = (answer: ReturnType<typeof error> | "lost" | "held") => (scene: Scene): void => {
  byHand(scene);
  scene.plays.set("POST sign", () => answer);
};

const SIGNING = "Acme Rentals asks you to sign";
const ASK = "We check that it is you";
const ANSWER = "Type the code";
const READ = /^Read the document/;

const two = (scene: Scene): void => {
  scene.documents = [
    { name: "Rental agreement.pdf", pages: 2 },
    { name: "Inventory of the flat in the third floor on the left.pdf", pages: 1 },
  ];
  scene.previews = [{ name: "General conditions.pdf", pages: 1 }];
  scene.invitation.documents = [
    { id: "p1", name: "General conditions.pdf", preview_only: true, size: null, pages: null },
    { id: "d1", name: "Rental agreement.pdf", preview_only: false, size: 184_000, pages: 2 },
    { id: "d2", name: "Inventory of the flat in the third floor on the left.pdf", preview_only: false, size: 2_400_000, pages: 1 },
  ];
};

const pair = (scene: Scene): void => {
  scene.invitation.signer.count = 2;
  scene.invitation.others = { signed: 0, pending: 1 };
};

export const STATES: State[] = [
  // S1
  { name: "S1 invitation", title: SIGNING, shows: "1 document" },
  {
    name: "S1 others signed, several documents",
    title: SIGNING,
    given: (scene) => {
      two(scene);
      scene.invitation.signer.count = 3;
      scene.invitation.others = { signed: 1, pending: 1 };
    },
    shows: "3 people sign; 1 has signed already.",
  },
  {
    name: "S1 coming back",
    title: SIGNING,
    given: (scene) => scene.identify(),
    shows: "You have begun already.",
  },
  {
    name: "S1 not you",
    title: SIGNING,
    when: async (page) => {
      await open(page);
      await page.getByText("Not you?").click();
    },
    shows: /If you are not Ana López/,
  },
  {
    name: "S1 long names",
    title: /asks you to sign/,
    given: ({ invitation }) => {
      invitation.tenant.name = "Immobiliengesellschaft für Gewerbeliegenschaften und Wohnungseigentum Süddeutschland mbH & Co. KG";
      invitation.tenant.contact_email = "kundendienst-vertragsunterzeichnung@gewerbeliegenschaften-sueddeutschland.example";
      invitation.documents[0]!.name = "Mietvertragsergänzungsvereinbarung_2026-11-27_final_unterschriftsreif_Version_12.pdf";
    },
  },
  // S2
  { name: "S2 ask", title: ASK, when: go, shows: /by SMS to \*\*\*222/ },
  {
    name: "S2 second factor, document",
    title: ASK,
    given: (scene) => (scene.otp.second_factor = "DOCUMENT_NUMBER"),
    when: go,
    shows: "Number of your identity document",
  },
  {
    name: "S2 second factor missing",
    title: ASK,
    given: (scene) => (scene.otp.second_factor = "EMAIL"),
    when: async (page) => {
      await go(page);
      await button(page, "Send the code").click();
    },
    shows: "There is a problem",
  },
  {
    name: "S2 second factor wrong",
    title: ASK,
    given: (scene) => {
      scene.otp.second_factor = "DOCUMENT_NUMBER";
      scene.plays.set("PUT challenge", () => error(403, "MDOC_002"));
    },
    when: async (page) => {
      await go(page);
      await page.getByLabel("Number of your identity document").fill("12345678Z");
      await button(page, "Send the code").click();
    },
    shows: "There is a problem",
  },
  { name: "S2 external", title: ASK, given: (scene) => (scene.otp.external = true), when: go, shows: /gives you a code itself/ },
  {
    name: "S2 contact to be checked",
    title: ASK,
    given: (scene) => (scene.otp.needs_contact_check = true),
    when: go,
    shows: /also has to check/,
  },
  { name: "S2 none left", title: ASK, given: (scene) => (scene.otp.challenges_left = 0), when: go, shows: "No more codes can be sent." },
  {
    name: "S2 too soon",
    title: ASK,
    given: (scene) => (scene.otp.next_challenge_at = later(2)),
    when: go,
    shows: /another code in 1\d\d seconds/,
  },
  {
    name: "S2 refused as too soon",
    title: ASK,
    given: (scene) => scene.plays.set("PUT challenge", () => error(412, "MDOC_005")),
    when: async (page) => {
      await go(page);
      await button(page, "Send the code").click();
    },
    shows: "It is too soon for another code. Wait a moment.",
  },
  {
    name: "S2 once more",
    title: "We check once more that it is you",
    given: (scene) => scene.identify(),
    when: go,
    shows: /this window does not know it/,
  },
  // S3
  { name: "S3 answer", title: ANSWER, when: toCode, shows: /The message is on its way/ },
  {
    name: "S3 delivered, another one later",
    title: ANSWER,
    when: async (page, scene) => {
      await toCode(page);
      scene.change(() => Object.assign(scene.otp, { delivery: "DELIVERED", delivered_at: later(0), next_challenge_at: later(2) }));
    },
    shows: /Delivered at \d\d:\d\d/,
  },
  {
    name: "S3 not delivered",
    title: ANSWER,
    when: async (page, scene) => {
      await toCode(page);
      scene.change(() => (scene.otp.delivery = "FAILED"));
    },
    shows: /could not be delivered/,
  },
  { name: "S3 wrong", title: ANSWER, when: (page) => answers(page, "654321"), shows: "Error: The code is not right. You have 2 tries left." },
  { name: "S3 missing", title: ANSWER, when: (page) => answers(page, ""), shows: "Error: Type the code." },
  { name: "S3 too short", title: ANSWER, when: (page) => answers(page, "12 34"), shows: /Error: The code has 6 digits/ },
  {
    name: "S3 expired",
    title: ANSWER,
    given: (scene) => scene.plays.set("PUT validate", () => error(410, "MDOC_004")),
    when: (page) => answers(page, CODE),
    shows: /Error: This code is no longer valid/,
  },
  {
    name: "S3 used up",
    title: ANSWER,
    given: (scene) =>
      scene.plays.set("PUT validate", () => {
        scene.change(() => (scene.otp.validations_left = 0));
        return error(403, "MDOC_002");
      }),
    when: (page) => answers(page, "654321"),
    shows: /Error: This code was mistyped too often/,
  },
  {
    name: "S3 contact not checked yet",
    title: ANSWER,
    given: (scene) => {
      scene.otp.needs_contact_check = true;
      scene.plays.set("PUT validate", () => error(409, "MDOC_005"));
    },
    when: (page) => answers(page, CODE),
    shows: /Before the code is accepted, somebody has to check/,
  },
  {
    name: "S3 none left",
    title: ANSWER,
    given: (scene) => (scene.otp.challenges_left = 1),
    when: toCode,
    shows: "Write to Acme Rentals to go on.",
  },
  {
    name: "S3 second factor again after a reload",
    title: ANSWER,
    given: (scene) => {
      scene.otp.second_factor = "DOCUMENT_NUMBER";
      scene.sendCode();
    },
    when: go,
    shows: "Number of your identity document",
  },
  // S7
  {
    name: "S7 loading",
    title: READ,
    given: (scene) => scene.plays.set("GET sign", () => ({ status: 503, headers: { "retry-after": "9" } })),
    when: async (page) => {
      await answers(page, CODE);
    },
    shows: "Loading…",
  },
  { name: "S7 read", title: READ, when: toDocuments, shows: "3 pages" },
  { name: "S7 several, one to read only", title: "Read the documents", given: two, when: toDocuments, shows: "to read only" },
  {
    name: "S7 larger",
    title: READ,
    when: async (page) => {
      await toDocuments(page);
      await button(page, "Larger").click();
      await button(page, "Larger").click();
    },
    shows: "150%",
  },
  {
    name: "S7 as text",
    title: READ,
    when: async (page) => {
      await toDocuments(page);
      await button(page, "Read as text").click();
    },
    shows: /The tenant pays the rent of each month/,
  },
  {
    name: "S7 without text",
    title: READ,
    given: (scene) => (scene.textOf = (page) => (page === 0 ? "none" : "partial")),
    when: async (page) => {
      await toDocuments(page);
      await button(page, "Read as text").click();
    },
    shows: /This page has no text/,
  },
  {
    name: "S7 page that cannot be shown",
    title: READ,
    given: (scene) => (scene.draws = (page) => (page === 0 ? 422 : 200)),
    when: async (page) => {
      await toDocuments(page);
      await expect(page.getByText("This cannot be shown here.")).toBeVisible();
      await button(page, "I have read the document").click();
    },
    shows: /A part cannot be shown here/,
  },
  {
    name: "S7 page that did not arrive",
    title: READ,
    given: (scene) => (scene.draws = (page) => (page === 0 ? 0 : 200)),
    when: async (page) => {
      await toDocuments(page);
      await expect(page.getByText("This page did not arrive.")).toBeVisible();
    },
  },
  {
    name: "S7 long document",
    title: READ,
    given: (scene) => (scene.documents = [{ name: "Statutes.pdf", pages: 60 }]),
    when: async (page) => {
      await toDocuments(page);
      await page.getByLabel("Go to page").fill("55");
      await button(page, "Go").click();
    },
    shows: "60 pages",
  },
  // S8a
  { name: "S8a sign", title: "Sign", when: toSign, shows: /This has legal effect/ },
  {
    name: "S8a not accepted",
    title: "Sign",
    when: async (page) => {
      await toSign(page);
      await button(page, "Sign").click();
    },
    shows: "Error: Tick the box to sign.",
  },
  {
    name: "S8a server full",
    title: "Sign",
    given: (scene) => scene.plays.set("POST sign", () => error(503, "MDOC_000", { "retry-after": "20" })),
    when: toSigned,
    shows: "Too many requests just now. Try again in 20 seconds.",
  },
  {
    name: "S8a server fails",
    title: "Sign",
    given: (scene) => scene.plays.set("POST sign", () => error(500, "MDOC_000")),
    when: toSigned,
    shows: "0193a3ee-7777",
  },
  // S8b
  { name: "S8b empty", title: "Sign", given: byHand, when: toSign, shows: "The box is empty." },
  { name: "S8b drawn", title: "Sign", given: byHand, when: (page) => toDrawn(page), shows: "1 stroke." },
  {
    name: "S8b nothing drawn",
    title: "Sign",
    given: byHand,
    when: async (page) => {
      await toSign(page);
      await button(page, "Sign").click();
    },
    shows: "Error: Sign in the box first.",
  },
  {
    name: "S8b too quick",
    title: "Sign",
    given: byHand,
    when: (page) => sends(page, (page) => hand.mouse(page, hand.SIGNATURE.slice(0, 30))),
    shows: "Error: That was too quick for a signature. Sign as you do on paper.",
  },
  {
    name: "S8b too small",
    title: "Sign",
    given: byHand,
    when: (page) => sends(page, (page) => hand.mouse(page, hand.DOT)),
    shows: /^Error: That is too small or too little\./,
  },
  {
    name: "S8b straight",
    title: "Sign",
    given: byHand,
    when: (page) => sends(page, (page) => hand.mouse(page, hand.LINE)),
    shows: "Error: Those are only straight lines. Sign as you do on paper.",
  },
  {
    name: "S8b recorded too coarsely",
    title: "Sign",
    given: byHand,
    when: (page) => sends(page, (page) => hand.mouse(page, hand.SIGNATURE.slice(0, 30), 60)),
    shows: /^Error: Your device recorded too little of it\./,
  },
  {
    name: "S8b time is over",
    title: "Sign",
    given: byHand,
    when: async (page) => {
      await toDrawn(page);
      hand.pause(page, 61);
      await hand.mouse(page, hand.LINE);
    },
    shows: /^Error: The 60 seconds for a signature are over\./,
  },
  {
    name: "S8b too much",
    title: "Sign",
    given: byHand,
    when: (page) => sends(page, hand.scribble),
    shows: "Error: There is too much in the box to be sent. Clear it and sign again.",
  },
  {
    name: "S8b not accepted",
    title: "Sign",
    given: byHand,
    when: async (page) => {
      await toDrawn(page);
      await button(page, "Sign").click();
    },
    shows: "Error: Tick the box to sign.",
  },
  {
    name: "S8b cannot draw",
    title: "Sign",
    given: byHand,
    when: async (page) => {
      await toSign(page);
      await page.getByText("I cannot draw").click();
    },
    shows: "Show it to nobody else: whoever has it can open your signature.",
  },
  {
    name: "S8b cannot draw, without the link",
    title: "Sign",
    given: byHand,
    when: async (page) => {
      await toSign(page);
      await page.evaluate((name) => sessionStorage.removeItem(name), `rubrica-link:${SIGN}`);
      await page.getByText("I cannot draw").click();
    },
    shows: /open the link from the message there/,
  },
  {
    name: "S8b being sent",
    title: "Sign",
    given: answered("held"),
    when: async (page) => {
      await sends(page);
      await expect(button(page, "Sign")).toHaveAttribute("aria-disabled", "true");
    },
    shows: "1 stroke.",
  },
  {
    name: "S8b no connection",
    title: "Sign",
    given: answered("lost"),
    when: (page) => sends(page),
    shows: "There is no connection. Check it and try again.",
  },
  {
    name: "S8b not known whether it arrived",
    title: "Sign",
    given: answered("lost"),
    when: async (page, scene) => {
      await toDrawn(page);
      scene.plays.set("GET invitation", () => "lost");
      await page.getByRole("checkbox").check();
      await button(page, "Sign").click();
      await expect(page.getByRole("alert")).toContainText("nothing is ever signed twice", { timeout: 15_000 });
    },
  },
  {
    name: "S8b refused in the words of the gate",
    title: "Sign",
    given: answered(error(400, "MDOC_001", {}, "biometric_data: spread: it is a straight line: sign as you do on paper")),
    when: (page) => sends(page),
    shows: "Error: Those are only straight lines. Sign as you do on paper.",
  },
  {
    name: "S8b refused for something else",
    title: "Sign",
    given: answered(error(400, "MDOC_001", {}, "signature_image: there is nothing on it")),
    when: (page) => sends(page),
    shows: "Error: This signature was not accepted. Clear the box and sign again.",
  },
  {
    name: "S8b used before",
    title: "Sign",
    given: answered(error(409, "MDOC_005", {}, "biometric_data: the same handwriting was used before in this organization")),
    when: (page) => sends(page),
    shows: "Error: Exactly this signature was used before. Clear the box and sign again.",
  },
  {
    name: "S8b pad that did not arrive",
    title: "Sign",
    given: ({ context, invitation }) => {
      invitation.sign_type = "BIOMETRIC";
      void context.route(/\/pages\/hand-[0-9a-f]{12}\.js/, (route) => route.abort("connectionreset"));
    },
    when: toSign,
    shows: "There is no connection. Check it and try again.",
  },
  // S9
  { name: "S9 decline", title: "Decline to sign", when: toDecline, shows: "500 characters left." },
  {
    name: "S9 reason missing",
    title: "Decline to sign",
    given: pair,
    when: async (page) => {
      await toDecline(page);
      await button(page, "Decline for good").click();
    },
    shows: "Error: Say why you do not sign.",
  },
  {
    name: "S9 too late",
    title: "Decline to sign",
    given: (scene) => scene.plays.set("POST decline", () => error(409, "MDOC_005")),
    when: async (page) => {
      await toDecline(page);
      await page.getByLabel("Why do you not sign?").fill("The rent is not what we had agreed on.");
      await button(page, "Decline for good").click();
    },
    shows: "It is too late to decline: the state has changed.",
  },
  // S10
  { name: "S10 being sealed", title: "You have signed", when: toSigned, shows: "The documents are being sealed…" },
  { name: "S10 others to sign", title: "You have signed", given: pair, when: toSigned, shows: "1 person still has to sign." },
  {
    name: "S10 sealed",
    title: "You have signed",
    when: async (page, scene) => {
      await toSigned(page);
      await expect(page.getByText("The documents are being sealed…")).toBeVisible();
      scene.seal();
    },
    shows: "Download Rental agreement.pdf",
  },
  {
    name: "S10 sealed, in another window",
    title: "You have signed",
    given: (scene) => {
      scene.sign();
      scene.seal();
    },
    shows: /are shown only in the window in which you signed/,
  },
  {
    name: "S10 sealing failed",
    title: "You have signed",
    given: (scene) => {
      scene.sign();
      scene.end("FAILED");
    },
    shows: /Your signature counts/,
  },
  {
    name: "S10 expired before all signed",
    title: "You have signed",
    given: (scene) => {
      pair(scene);
      scene.sign();
      scene.end("EXPIRED");
    },
    shows: /The time ended before all had signed/,
  },
  {
    name: "S10 declined by somebody after",
    title: "You have signed",
    given: (scene) => {
      pair(scene);
      scene.sign();
      scene.end("DECLINED");
    },
    shows: /After your signature it was stopped/,
  },
  // S11
  {
    name: "S11 declined by you",
    title: "You have declined to sign",
    when: async (page) => {
      await toDecline(page);
      await page.getByLabel("Why do you not sign?").fill("The rent is not what we had agreed on.");
      await button(page, "Decline for good").click();
    },
    shows: "The rent is not what we had agreed on.",
  },
  { name: "S11 declined", title: "Somebody else has declined to sign", given: (scene) => scene.end("DECLINED") },
  {
    name: "S11 cancelled while reading",
    title: "The signature was cancelled",
    when: async (page, scene) => {
      await toDocuments(page);
      scene.end("CANCELLED");
    },
    shows: "Contact Acme Rentals",
  },
  { name: "S11 expired", title: "The time to sign is over", given: (scene) => scene.end("EXPIRED") },
  {
    name: "S11 failed by wrong codes",
    title: "The signature could not be made",
    given: (scene) =>
      scene.plays.set("PUT validate", () => {
        scene.change(({ identification }) => (identification.status = "FAILED"));
        scene.end("FAILED", true);
        return error(403, "MDOC_002");
      }),
    when: (page) => answers(page, "654321"),
    shows: /The code was mistyped too often/,
  },
  { name: "S11 failed", title: "The signature could not be made", given: (scene) => scene.end("FAILED"), shows: /can tell you why/ },
  {
    name: "S11 no contact",
    title: "The time to sign is over",
    given: (scene) => {
      Object.assign(scene.invitation.tenant, { contact_email: null, contact_phone: null });
      scene.end("EXPIRED");
    },
    shows: /the way the link came to you/,
  },
  {
    name: "S11 link incomplete",
    title: "A part of the link is missing",
    when: async (page) => void (await page.goto(LINK.split("#")[0] ?? "")),
    shows: "Send me the link again",
  },
  {
    name: "S11 link sent again",
    title: "A part of the link is missing",
    when: async (page) => {
      await page.goto(LINK.split("#")[0] ?? "");
      await button(page, "Send me the link again").click();
    },
    shows: /a message with the link reaches you within minutes/,
  },
  {
    name: "S11 link gone",
    title: "This link is no longer valid",
    when: async (page) => void (await page.goto(LINK.replace(/k{22}$/, "x".repeat(22)))),
    shows: "Send me the link again",
  },
  {
    name: "S11 server down",
    title: "It does not work just now",
    given: (scene) => scene.plays.set("POST link", () => error(500, "MDOC_000")),
    when: async (page) => void (await page.goto(LINK)),
    shows: "Try again",
  },
  {
    name: "S11 session over",
    title: "The session has ended",
    when: async (page, scene) => {
      await go(page);
      await expect(heading(page, ASK)).toBeVisible();
      // The link was renewed: its tokens and itself are worth nothing any more.
      scene.plays.set("PUT challenge", () => error(401, "MDOC_002"));
      scene.plays.set("GET invitation", () => error(401, "MDOC_002"));
      scene.plays.set("POST link", () => error(404, "MDOC_003"));
      await button(page, "Send the code").click();
    },
    shows: "Try again",
  },
];

/** Brings a page into a state. */
export async function show(page: Page, scene: Scene, { given, when, title, shows }: State): Promise<void> {
  given?.(scene);
  await (when ?? open)(page, scene);
  await expect(heading(page, title)).toBeVisible();
  if (shows) await expect(page.getByText(shows).first()).toBeVisible();
}
