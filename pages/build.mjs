// Builds `web/` and `texts/` into `dist/`, which is committed: `npm ci && node build.mjs`, in this folder.
//
// The output is the same bytes wherever it is built. `dist/table.rs` names the files for Rust, `dist/SOURCES` what they were built from.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

process.chdir(dirname(fileURLToPath(import.meta.url)));

const MEDIA_TYPES = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  txt: "text/plain; charset=utf-8",
};

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const byName = ([one], [other]) => (one < other ? -1 : 1);

async function sources() {
  const files = ["build.mjs", "package.json", "package-lock.json", "tsconfig.json"];
  for (const folder of ["web", "texts"]) {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.isFile()) files.push(`${folder}/${entry.name}`);
    }
  }
  const listed = await Promise.all(files.map(async (name) => [name, sha256(await readFile(name))]));
  return listed.sort(byName).map(([name, digest]) => `${digest}  ${name}\n`).join("");
}

const common = {
  bundle: true,
  minify: true,
  format: "esm",
  target: ["chrome105", "firefox110", "safari16.4"],
  charset: "utf8",
  legalComments: "none",
  write: false,
  logLevel: "warning",
};

const assets = [];

function put(name, bytes) {
  const [stem, ending] = name.split(".");
  const digest = sha256(bytes);
  const hashed = `${stem}-${digest.slice(0, 12)}.${ending}`;
  assets.push({ name, hashed, digest, bytes, media: MEDIA_TYPES[ending] });
  return hashed;
}

/** Style sheets that stand in scripts, without what only people read. Strings in them have neither braces nor runs of blanks. */
const styles = {
  name: "styles",
  setup({ onLoad }) {
    onLoad({ filter: /\/web\/style\w*\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const small = (sheet) => sheet.replace(/\s+/g, " ").replace(/ ?([{};]) ?/g, "$1").trim();
      return { loader: "ts", contents: source.replace(/css`[^`]*`/g, small) };
    });
  },
};

/** An extra gets what the page has already, and does not bring it a second time. */
const apart = {
  name: "apart",
  setup({ onResolve }) {
    onResolve({ filter: /^lit/ }, () => ({ errors: [{ text: "an extra takes this from its kit" }] }));
  },
};

async function script(entry, options = {}) {
  const result = await build({ ...common, entryPoints: [`web/${entry}`], ...options });
  return Buffer.from(result.outputFiles[0].contents);
}

/** Steps that most signers never see: each is a script of its own, with the words whose keys begin with its name. */
const EXTRAS = ["hand", "desk", "card"];

/** What keys begin with whose words no signer sees: those of `page` are the server's own, the others an element's. */
const OTHERS = ["page", "consents"];

/** Words of a language, by what their keys begin with. */
async function words(tag, wanted) {
  const texts = JSON.parse(await readFile(`texts/${tag}.json`, "utf8"));
  const shown = Object.fromEntries(Object.entries(texts).filter(([key]) => wanted(key.split(".")[0])));
  return Buffer.from(`export default ${JSON.stringify(shown)};\n`);
}

/** A file of words for each language. */
async function languages(stem, wanted) {
  const files = {};
  for (const tag of ["ca", "de", "en", "es", "eu", "gl"]) files[tag] = put(`${stem}-${tag}.js`, await words(tag, wanted));
  return files;
}

const list = await sources();
const qr = put("qr.js", await script("qr.ts"));
const extras = {};
for (const name of EXTRAS) {
  const bytes = await script(`${name}.ts`, { plugins: [styles, apart], define: { QR: JSON.stringify(qr) } });
  extras[name] = { script: put(`${name}.js`, bytes), words: await languages(name, (begin) => begin === name) };
}
const element = {
  plugins: [styles],
  define: {
    LANGUAGES: JSON.stringify(await languages("lang", (begin) => !OTHERS.includes(begin) && !EXTRAS.includes(begin))),
    STEM: JSON.stringify("lang"),
    EXTRAS: JSON.stringify(extras),
    BUILD: JSON.stringify(sha256(list).slice(0, 12)),
  },
};
// The page of a link has the element in it: one file less to wait for. Others' pages load the element alone.
put("boot.js", await script("boot.ts", element));
put("embed.js", await script("embed.ts", element));
put("sign.js", await script("sign.ts", element));
const consents = {
  plugins: [styles],
  define: {
    LANGUAGES: JSON.stringify(await languages("consents-lang", (begin) => begin === "consents")),
    STEM: JSON.stringify("consents-lang"),
    EXTRAS: "{}",
  },
};
put("consents.js", await script("consents.ts", consents));
put("sandbox.js", await script("sandbox.ts"));
put("console.js", await script("console.ts"));
put("agent.js", await script("agent.ts"));
put("tablet.js", await script("tablet.ts", element));
put("console.css", await script("console.css"));
put("page.css", await script("page.css"));
put("icon.svg", await readFile("web/icon.svg"));

assets.sort((one, other) => (one.name < other.name ? -1 : 1));
const constant = (name) => name.toUpperCase().replace(/[-.]/g, "_");
const table = [
  "// Made by build.mjs.",
  ...assets.map((asset) => `pub const ${constant(asset.name)}: &str = "${asset.hashed}";`),
  `pub static ASSETS: [Asset; ${assets.length}] = [`,
  ...assets.map(
    ({ name, hashed, digest, media }) =>
      `    Asset { name: ${constant(name)}, media_type: "${media}", digest: "${digest}", bytes: include_bytes!("${hashed}") },`,
  ),
  "];",
];

await rm("dist", { recursive: true, force: true });
await mkdir("dist");
await Promise.all([
  ...assets.map(({ hashed, bytes }) => writeFile(join("dist", hashed), bytes)),
  writeFile("dist/table.rs", `${table.join("\n")}\n`),
  writeFile("dist/SOURCES", list),
]);
