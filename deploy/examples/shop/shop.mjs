// A shop whose customers sign and give their consents in its own pages: two pages with the elements, one with a frame, and the shop's server,
// which asks Rubrica for the token of a signer or of a customer. Node alone, no package.
//
//   RUBRICA=http://127.0.0.1:8080 RUBRICA_TOKEN=… node shop.mjs
//
// The organization's origins must have the shop's: PUT /pages/api/{organization}/configuration {"origins": ["http://127.0.0.1:3000"]}.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

const FILES = {
  "element.html": "text/html; charset=utf-8",
  "frame.html": "text/html; charset=utf-8",
  "element.js": "text/javascript; charset=utf-8",
  "frame.js": "text/javascript; charset=utf-8",
  "consents.html": "text/html; charset=utf-8",
  "consents.js": "text/javascript; charset=utf-8",
  "shop.css": "text/css; charset=utf-8",
};

const SIGNATURE = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
const ROUTES = { page: new RegExp(`^/(element|frame)/${SIGNATURE}$`), token: new RegExp(`^/token/(${SIGNATURE})$`) };

/** What the shop's own pages may do: load from themselves and from Rubrica, and nothing else. */
const policy = (rubrica) =>
  [
    "default-src 'none'",
    `script-src 'self' ${rubrica}`,
    `connect-src 'self' ${rubrica}`,
    `img-src 'self' ${rubrica}`,
    `frame-src ${rubrica}`,
    "style-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types lit-html",
  ].join("; ");

/** A token for a signer's page, for an hour. It proves nobody's identity: the signer is sent a code all the same. */
async function tokenOf({ rubrica, token, organization }, signature) {
  const answer = await fetch(`${rubrica}/pages/api/${organization}/signs/${signature}/token`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
  });
  if (!answer.ok) throw new Error(`Rubrica says ${answer.status} ${await answer.text()}`);
  return (await answer.json()).token;
}

/** A token for a customer's consents, for a quarter of an hour. It reads and records them in the customer's own name, and opens nothing else. */
async function tokenOfConsents({ rubrica, token, organization, customer }) {
  const answer = await fetch(`${rubrica}/v2/orgs/${organization}/securize`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ customer_id: customer, actor_id: customer }),
  });
  if (!answer.ok) throw new Error(`Rubrica says ${answer.status} ${await answer.text()}`);
  return (await answer.json()).web_component_token;
}

/** The address of whoever asks. Behind a proxy of your own, take it from the header that your proxy sets. */
const addressOf = (request) => (request.socket.remoteAddress ?? "").replace(/^::ffff:/, "");

/**
 * The shop's server. `rubrica`: address of Rubrica; `token`: the shop's own, with the role `securize`, which never leaves this server;
 * `segment` and `customer`: whose consents its page shows. A real shop knows the customer from who is signed in.
 */
export function shop({ rubrica, token, organization = "acme", segment = "telco", customer = "100000000001" }) {
  const answer = (response, status, type, body) => {
    response.writeHead(status, {
      "content-type": type,
      "content-security-policy": policy(rubrica),
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
      "cache-control": "no-store",
    });
    response.end(body);
  };
  const file = async (name) => {
    const text = await readFile(new URL(name, import.meta.url), "utf8");
    // Scripts have places of their own in texts.
    if (!name.endsWith(".html")) return text;
    return text.replaceAll("{rubrica}", rubrica).replaceAll("{organization}", organization).replaceAll("{segment}", segment);
  };
  return createServer(async (request, response) => {
    const path = new URL(request.url ?? "/", "http://shop").pathname;
    try {
      const page = ROUTES.page.exec(path)?.[1];
      const signature = ROUTES.token.exec(path)?.[1];
      const name = page ? `${page}.html` : path.slice(1);
      if (request.method === "GET" && FILES[name]) return answer(response, 200, FILES[name], await file(name));
      if (request.method === "POST" && signature && request.headers["sec-fetch-site"] === "same-origin") {
        // Here a real shop looks whether the customer who is signed in is this signer.
        const body = JSON.stringify({ token: await tokenOf({ rubrica, token, organization }, signature) });
        return answer(response, 200, "application/json", body);
      }
      if (request.method === "POST" && path === "/consents-token" && request.headers["sec-fetch-site"] === "same-origin") {
        const body = { token: await tokenOfConsents({ rubrica, token, organization, customer }), ip: addressOf(request) };
        return answer(response, 200, "application/json", JSON.stringify(body));
      }
      return answer(response, 404, "text/plain", "There is no such page.\n");
    } catch (error) {
      console.error(error.message);
      return answer(response, 502, "text/plain", "It cannot be opened now.\n");
    }
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { RUBRICA: rubrica, RUBRICA_TOKEN: token, ORGANIZATION: organization, PORT = "3000" } = process.env;
  if (!rubrica || !token) throw new Error("RUBRICA and RUBRICA_TOKEN are needed");
  shop({ rubrica, token, organization }).listen(Number(PORT), "127.0.0.1", () => {
    const own = `http://127.0.0.1:${PORT}`;
    console.log(`${own}/element/{signature}, ${own}/frame/{signature} and ${own}/consents.html`);
  });
}
