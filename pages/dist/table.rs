// Made by build.mjs.
pub const CONSOLE_CSS: &str = "console-1fa312e12f57.css";
pub const CONSOLE_JS: &str = "console-39da6130a95b.js";
pub const ICON_SVG: &str = "icon-ec0eb22aff4f.svg";
pub const PAGE_CSS: &str = "page-8bf2271ef762.css";
pub const SANDBOX_JS: &str = "sandbox-7b06f23cc4de.js";
pub static ASSETS: [Asset; 5] = [
    Asset { name: CONSOLE_CSS, media_type: "text/css; charset=utf-8", digest: "1fa312e12f5737b406a05e6bc881973623bf789414826c355df7742c82cf5bc3", bytes: include_bytes!("console-1fa312e12f57.css") },
    Asset { name: CONSOLE_JS, media_type: "text/javascript; charset=utf-8", digest: "39da6130a95b2e319ccafc58da0f4de2fc4ef4731713e3c4f3d52a2c5edcd80d", bytes: include_bytes!("console-39da6130a95b.js") },
    Asset { name: ICON_SVG, media_type: "image/svg+xml", digest: "ec0eb22aff4f5559d3085fd50b820d2df64302507d6c729c64872df34731546b", bytes: include_bytes!("icon-ec0eb22aff4f.svg") },
    Asset { name: PAGE_CSS, media_type: "text/css; charset=utf-8", digest: "8bf2271ef762320159c288a44c4466b91e698220339c96c70732550617aac9f7", bytes: include_bytes!("page-8bf2271ef762.css") },
    Asset { name: SANDBOX_JS, media_type: "text/javascript; charset=utf-8", digest: "7b06f23cc4de65d7c75ca26b5ce22fe2232385241c65bdf34394bee5990da9d0", bytes: include_bytes!("sandbox-7b06f23cc4de.js") },
];
