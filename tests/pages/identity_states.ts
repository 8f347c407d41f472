// The states of signers who are not identified by a code: S4, an identity document, and S5, an agent.

import type { Page } from "@playwright/test";

import * as drawing from "./drawing.js";
import { camera, noCamera, pick, toChoice, toLook, toSide, type Sight } from "./identity.js";
import { button, error, expect, later, open, type Scene } from "./scene.js";
import { go, type State } from "./states.js";

const CHOICE = "Your identity document";
const FRONT = "Photograph the front";
const LOOK = "Look at the pictures";

const byDocument = (scene: Scene): void => scene.byDocument();

/** By a document of which the server knows this. */
const knowing = (known: Partial<Scene["check"]>) => (scene: Scene): void => {
  scene.byDocument();
  Object.assign(scene.check, known);
};

const from = (next: (page: Page) => Promise<void>) => async (page: Page): Promise<void> => {
  await open(page);
  await next(page);
};

const opensCamera = from(async (page) => {
  await toSide(page);
  await button(page, "Open the camera").click();
});

const sees = (sight: Sight) => (scene: Scene): void => {
  scene.byDocument();
  camera(scene.context, sight);
};

const lacks = (why: "NotAllowedError" | "NotFoundError" | "NotReadableError") => (scene: Scene): void => {
  scene.byDocument();
  noCamera(scene.context, why);
};

const sends = from(async (page) => {
  await toLook(page);
  await button(page, "Send the pictures").click();
});

/** The server answers the pictures so. */
const answered = (answer: ReturnType<typeof error> | "lost" | "held") => (scene: Scene): void => {
  scene.byDocument();
  scene.plays.set("PUT score", () => answer);
};

const EVERY_CHECK = [
  "MRZ_READABLE",
  "MRZ_CONTROL_DIGIT",
  "MRZ_DATES",
  "DOCUMENT_EXPIRED",
  "DECLARED_DATA",
  "FRONT_BACK",
  "REUSE",
  "FOCUS",
  "GLARE",
  "RESOLUTION",
  "PHOTOCOPY",
  "SCREEN_RECAPTURE",
  "EDITING_TRACES",
  "A_CHECK_OF_SOMEBODY_ELSE",
];

export const IDENTITY_STATES: State[] = [
  { name: "S1 by document", title: /asks you to sign$/, given: byDocument, shows: /You photograph your identity document/ },
  { name: "S1 by agent", title: /asks you to sign$/, given: (scene) => scene.byAgent(), shows: "Somebody checks who you are." },
  // S4
  { name: "S4 choice", title: CHOICE, given: byDocument, when: from(toChoice), shows: "You can send pictures 5 more times." },
  {
    name: "S4 being made",
    title: CHOICE,
    given: (scene) => {
      scene.byDocument();
      scene.invitation.identification.document = null;
    },
    when: go,
    shows: "Loading…",
  },
  { name: "S4 front", title: FRONT, given: byDocument, when: from(toSide), shows: /All four corners and every letter/ },
  {
    name: "S4 passport",
    title: "Photograph the page with your photo",
    given: (scene) => scene.byDocument("PASSPORT"),
    when: from(toSide),
    shows: "Page with the photo",
  },
  { name: "S4 camera", title: FRONT, given: sees("letters"), when: opensCamera, shows: "Fill the frame with the document, and hold still." },
  { name: "S4 camera, not sharp", title: FRONT, given: sees("fog"), when: opensCamera, shows: /Not sharp yet/ },
  { name: "S4 camera, glare", title: FRONT, given: sees("white"), when: opensCamera, shows: /Light is reflected/ },
  { name: "S4 camera, dark", title: FRONT, given: sees("dark"), when: opensCamera, shows: /There is too little light/ },
  { name: "S4 camera refused", title: FRONT, given: lacks("NotAllowedError"), when: opensCamera, shows: /^Error: The camera is not allowed/ },
  { name: "S4 no camera", title: FRONT, given: lacks("NotFoundError"), when: opensCamera, shows: /^Error: There is no camera here/ },
  { name: "S4 camera does not answer", title: FRONT, given: lacks("NotReadableError"), when: opensCamera, shows: /^Error: The camera does not answer/ },
  {
    name: "S4 file that is no picture",
    title: FRONT,
    given: byDocument,
    when: from(async (page) => {
      await toSide(page);
      await pick(page, Buffer.from("no picture"));
    }),
    shows: /^Error: This is no picture that can be read/,
  },
  {
    name: "S4 picture too small",
    title: FRONT,
    given: byDocument,
    when: from(async (page) => {
      await toSide(page);
      await pick(page, drawing.card("front", 300));
    }),
    shows: /^Error: The picture is too small/,
  },
  {
    name: "S4 picture too large for the server",
    title: FRONT,
    given: knowing({ picture_limit: 500 }),
    when: from(async (page) => {
      await toSide(page);
      await pick(page, drawing.card("front"));
    }),
    shows: /^Error: The picture is too large/,
  },
  { name: "S4 look", title: LOOK, given: byDocument, when: from(toLook), shows: /Can every letter be read/ },
  {
    name: "S4 being sent",
    title: LOOK,
    given: answered("held"),
    when: async (page) => {
      await sends(page);
      await expect(button(page, "Send the pictures")).toHaveAttribute("aria-disabled", "true");
    },
    shows: "This may take a minute. The page goes on by itself.",
  },
  {
    name: "S4 checks failed",
    title: LOOK,
    given: (scene) => {
      scene.byDocument();
      scene.finds = { passed: false, fail_reason: null, failed_checks: EVERY_CHECK };
    },
    when: sends,
    shows: "It looks like a photocopy. Use the document itself.",
  },
  {
    name: "S4 pictures that could not be read",
    title: LOOK,
    given: (scene) => {
      scene.byDocument();
      scene.finds = { passed: false, fail_reason: "IMAGE_UNREADABLE", failed_checks: [] };
    },
    when: sends,
    shows: "The pictures could not be read.",
  },
  {
    name: "S4 provider away",
    title: LOOK,
    given: (scene) => {
      scene.byDocument();
      scene.finds = { passed: false, fail_reason: "PROVIDER_TIMEOUT", failed_checks: [] };
    },
    when: sends,
    shows: /^The check could not be made/,
  },
  {
    name: "S4 busy",
    title: LOOK,
    given: answered(error(429, "MDOC_005", { "retry-after": "7" })),
    when: sends,
    shows: /send them again in 7 seconds/,
  },
  { name: "S4 pause of the provider", title: LOOK, given: knowing({ paused_until: later(3) }), when: from(toLook), shows: /Pictures can be sent again at \d\d:\d\d/ },
  { name: "S4 no connection", title: LOOK, given: answered("lost"), when: sends, shows: "There is no connection. Check it and try again." },
  {
    name: "S4 failed before, after a reload",
    title: CHOICE,
    given: knowing({ attempts_left: 1, last: { number: 4, passed: false, fail_reason: null, failed_checks: ["GLARE", "FOCUS"] } }),
    when: from(toChoice),
    shows: "You can send pictures 1 more time.",
  },
  {
    name: "S4 none left",
    title: "No more pictures can be sent",
    given: knowing({ attempts_left: 0, last: { number: 5, passed: false, fail_reason: null, failed_checks: ["DECLARED_NUMBER"] } }),
    when: go,
    shows: "Write to Acme Rentals to go on.",
  },
  { name: "S4 being checked", title: "Your document is being checked", given: knowing({ under_way_until: later(1) }), when: go, shows: /This may take a minute/ },
  {
    name: "S4 passed, after a reload",
    title: "Your document is in order",
    given: knowing({ last: { number: 1, passed: true, fail_reason: null, failed_checks: [] } }),
    when: go,
    shows: "Continue",
  },
  { name: "S4 at the provider", title: "Your document is checked elsewhere", given: knowing({ takes_pictures: false }), when: go, shows: /Another service checks it/ },
  {
    name: "S4 identified in another window",
    title: "You are identified already",
    given: (scene) => {
      scene.byDocument();
      scene.identify();
    },
    when: go,
    shows: /this window does not know it/,
  },
  {
    name: "S4 script that did not arrive",
    title: "We check that it is you",
    given: (scene) => {
      scene.byDocument();
      void scene.context.route(/\/pages\/card-[0-9a-f]{12}\.js/, (route) => route.abort("connectionreset"));
    },
    when: go,
    shows: "There is no connection. Check it and try again.",
  },
  {
    name: "S4 failed for good",
    title: "The signature could not be made",
    given: (scene) => {
      scene.byDocument();
      scene.change(({ identification }) => (identification.status = "FAILED"));
      scene.end("FAILED", true);
    },
    shows: /can tell you why/,
  },
  // S5
  { name: "S5 waiting", title: "Show this code to Acme Rentals", given: (scene) => scene.byAgent(), when: go, shows: /goes on by itself once you are identified/ },
  {
    name: "S5 without a picture of the code",
    title: "Show this code to Acme Rentals",
    given: (scene) => {
      scene.byAgent();
      void scene.context.route(/\/pages\/qr-[0-9a-f]{12}\.js/, (route) => route.abort("connectionreset"));
    },
    when: go,
    shows: "Your code",
  },
  {
    name: "S5 identified",
    title: "You are identified",
    given: (scene) => scene.byAgent(),
    when: async (page, scene) => {
      await go(page);
      await expect(page.getByText("Your code")).toBeVisible();
      scene.change(({ identification }) => Object.assign(identification, { status: "VALIDATED", desk_code: null }));
    },
    shows: /on their tablet/,
  },
  {
    name: "S5 rejected",
    title: "The signature could not be made",
    given: (scene) => scene.byAgent(),
    when: async (page, scene) => {
      await go(page);
      await expect(page.getByText("Your code")).toBeVisible();
      scene.change(({ identification }) => Object.assign(identification, { status: "CANCELLED", desk_code: null }));
      scene.end("FAILED", true);
    },
  },
  {
    name: "S5 time is over",
    title: "The time to sign is over",
    given: (scene) => scene.byAgent(),
    when: async (page, scene) => {
      await go(page);
      await expect(page.getByText("Your code")).toBeVisible();
      scene.change(({ identification }) => Object.assign(identification, { status: "EXPIRED", desk_code: null }));
      scene.end("EXPIRED");
    },
  },
];
