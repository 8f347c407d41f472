// A page that shows the pictures of a folder side by side: node gallery.mjs FOLDER

import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const folder = process.argv[2];
const files = (await readdir(folder)).filter((name) => name.endsWith(".png")).sort();
const states = [...new Set(files.map((name) => name.split(".")[0]))];
const figures = (state) =>
  files
    .filter((name) => name.startsWith(`${state}.`))
    .map((name) => `<a href="${name}"><img src="${name}" alt="${name}" loading="lazy"></a>`)
    .join("");
const page = `<!doctype html><meta charset="utf-8"><title>Screens</title>
<style>body{font:16px system-ui;background:#888;margin:1rem}img{height:420px;margin:4px}h2{margin:1rem 0 .2rem}</style>
${states.map((state) => `<h2>${state.replaceAll("_", " ")}</h2>${figures(state)}`).join("\n")}
`;
await writeFile(join(folder, "gallery.html"), page);
