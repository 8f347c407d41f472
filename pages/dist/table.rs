// Made by build.mjs.
pub const ICON_SVG: &str = "icon-ec0eb22aff4f.svg";
pub const PAGE_CSS: &str = "page-8bf2271ef762.css";
pub const SANDBOX_JS: &str = "sandbox-7b06f23cc4de.js";
pub static ASSETS: [Asset; 3] = [
    Asset { name: ICON_SVG, media_type: "image/svg+xml", digest: "ec0eb22aff4f5559d3085fd50b820d2df64302507d6c729c64872df34731546b", bytes: include_bytes!("icon-ec0eb22aff4f.svg") },
    Asset { name: PAGE_CSS, media_type: "text/css; charset=utf-8", digest: "8bf2271ef762320159c288a44c4466b91e698220339c96c70732550617aac9f7", bytes: include_bytes!("page-8bf2271ef762.css") },
    Asset { name: SANDBOX_JS, media_type: "text/javascript; charset=utf-8", digest: "7b06f23cc4de65d7c75ca26b5ce22fe2232385241c65bdf34394bee5990da9d0", bytes: include_bytes!("sandbox-7b06f23cc4de.js") },
];
