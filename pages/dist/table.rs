// Made by build.mjs.
pub const BOOT_JS: &str = "boot-474faf13dc6f.js";
pub const CONSOLE_CSS: &str = "console-da424ae6b2db.css";
pub const CONSOLE_JS: &str = "console-39da6130a95b.js";
pub const ICON_SVG: &str = "icon-ec0eb22aff4f.svg";
pub const LANG_CA_JS: &str = "lang-ca-98887b558a8c.js";
pub const LANG_DE_JS: &str = "lang-de-72179efcb823.js";
pub const LANG_EN_JS: &str = "lang-en-bfe8e1606f09.js";
pub const LANG_ES_JS: &str = "lang-es-e0d03cb17d54.js";
pub const LANG_EU_JS: &str = "lang-eu-58e02c3eb81d.js";
pub const LANG_GL_JS: &str = "lang-gl-be3f7adff776.js";
pub const PAGE_CSS: &str = "page-937385052bd9.css";
pub const SANDBOX_JS: &str = "sandbox-7b06f23cc4de.js";
pub const SIGN_JS: &str = "sign-26db54216b26.js";
pub static ASSETS: [Asset; 13] = [
    Asset { name: BOOT_JS, media_type: "text/javascript; charset=utf-8", digest: "474faf13dc6fdb0d0e60edc3f186bcf49121c4e946a9c0243a96bfab7e0f8d4e", bytes: include_bytes!("boot-474faf13dc6f.js") },
    Asset { name: CONSOLE_CSS, media_type: "text/css; charset=utf-8", digest: "da424ae6b2db5e3caed63f87341f2bb67e5d4cbafc68d36cc730518694f5aae6", bytes: include_bytes!("console-da424ae6b2db.css") },
    Asset { name: CONSOLE_JS, media_type: "text/javascript; charset=utf-8", digest: "39da6130a95b2e319ccafc58da0f4de2fc4ef4731713e3c4f3d52a2c5edcd80d", bytes: include_bytes!("console-39da6130a95b.js") },
    Asset { name: ICON_SVG, media_type: "image/svg+xml", digest: "ec0eb22aff4f5559d3085fd50b820d2df64302507d6c729c64872df34731546b", bytes: include_bytes!("icon-ec0eb22aff4f.svg") },
    Asset { name: LANG_CA_JS, media_type: "text/javascript; charset=utf-8", digest: "98887b558a8c636eb9b7741cc7283dfb9783d6535f8b508d03704ec7290a44e3", bytes: include_bytes!("lang-ca-98887b558a8c.js") },
    Asset { name: LANG_DE_JS, media_type: "text/javascript; charset=utf-8", digest: "72179efcb8237f8bca2738a96482e0c428d1a92b3e27b0292ccba2eac8a11302", bytes: include_bytes!("lang-de-72179efcb823.js") },
    Asset { name: LANG_EN_JS, media_type: "text/javascript; charset=utf-8", digest: "bfe8e1606f09d1d84c65ab4d0f6278c499926e443ef39d95e8537ac3d20b7cb2", bytes: include_bytes!("lang-en-bfe8e1606f09.js") },
    Asset { name: LANG_ES_JS, media_type: "text/javascript; charset=utf-8", digest: "e0d03cb17d54d2163031586cbc198d066ad8073a765fb0f57d8c620c7415ad52", bytes: include_bytes!("lang-es-e0d03cb17d54.js") },
    Asset { name: LANG_EU_JS, media_type: "text/javascript; charset=utf-8", digest: "58e02c3eb81d0786ea6e7d150a3772e2c0a568eefa7f48565ad4ed9b796475dc", bytes: include_bytes!("lang-eu-58e02c3eb81d.js") },
    Asset { name: LANG_GL_JS, media_type: "text/javascript; charset=utf-8", digest: "be3f7adff776a3965e1127a60e6c45222c08ffa4b7f43bc14b3476c877276534", bytes: include_bytes!("lang-gl-be3f7adff776.js") },
    Asset { name: PAGE_CSS, media_type: "text/css; charset=utf-8", digest: "937385052bd92007c8c44e15fc7818a61dd4888cbd8c8001f956a0cf53293cd8", bytes: include_bytes!("page-937385052bd9.css") },
    Asset { name: SANDBOX_JS, media_type: "text/javascript; charset=utf-8", digest: "7b06f23cc4de65d7c75ca26b5ce22fe2232385241c65bdf34394bee5990da9d0", bytes: include_bytes!("sandbox-7b06f23cc4de.js") },
    Asset { name: SIGN_JS, media_type: "text/javascript; charset=utf-8", digest: "26db54216b261179514a280b9a300a45ce8d32a00ee567f508210de962d48b78", bytes: include_bytes!("sign-26db54216b26.js") },
];
