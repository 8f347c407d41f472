// Made by build.mjs.
pub const BOOT_JS: &str = "boot-4465babc4ad8.js";
pub const ICON_SVG: &str = "icon-ec0eb22aff4f.svg";
pub const LANG_CA_JS: &str = "lang-ca-b471f62670ed.js";
pub const LANG_DE_JS: &str = "lang-de-ef713710bcbb.js";
pub const LANG_EN_JS: &str = "lang-en-b65ab5a67e8b.js";
pub const LANG_ES_JS: &str = "lang-es-afd4d95b6d5f.js";
pub const LANG_EU_JS: &str = "lang-eu-2ef5ad6a751c.js";
pub const LANG_GL_JS: &str = "lang-gl-4241c34ecfab.js";
pub const PAGE_CSS: &str = "page-937385052bd9.css";
pub const SANDBOX_JS: &str = "sandbox-7b06f23cc4de.js";
pub const SIGN_JS: &str = "sign-f5dc90b3ffa7.js";
pub static ASSETS: [Asset; 11] = [
    Asset { name: BOOT_JS, media_type: "text/javascript; charset=utf-8", digest: "4465babc4ad81790206d4069b4476800707363f464cf13bd885c665cfa87e0d8", bytes: include_bytes!("boot-4465babc4ad8.js") },
    Asset { name: ICON_SVG, media_type: "image/svg+xml", digest: "ec0eb22aff4f5559d3085fd50b820d2df64302507d6c729c64872df34731546b", bytes: include_bytes!("icon-ec0eb22aff4f.svg") },
    Asset { name: LANG_CA_JS, media_type: "text/javascript; charset=utf-8", digest: "b471f62670ed1788d0ec88d2f5b2987a97f4fa85ec15eddd784c65452befe1c4", bytes: include_bytes!("lang-ca-b471f62670ed.js") },
    Asset { name: LANG_DE_JS, media_type: "text/javascript; charset=utf-8", digest: "ef713710bcbbcbdd74fe91b73027b7bc2bd0639c69412d22c42e6cf7332143ea", bytes: include_bytes!("lang-de-ef713710bcbb.js") },
    Asset { name: LANG_EN_JS, media_type: "text/javascript; charset=utf-8", digest: "b65ab5a67e8b1974732061d48704dfe8db3b75de9d0bee59a3e6dd0bf693b02a", bytes: include_bytes!("lang-en-b65ab5a67e8b.js") },
    Asset { name: LANG_ES_JS, media_type: "text/javascript; charset=utf-8", digest: "afd4d95b6d5f3d6879c757c49e1278a13968bac7f8d62993ff0c8302f08624eb", bytes: include_bytes!("lang-es-afd4d95b6d5f.js") },
    Asset { name: LANG_EU_JS, media_type: "text/javascript; charset=utf-8", digest: "2ef5ad6a751cdce5a2ccc6cb11d4dd6e28009947b04b0edbe17cf041ce1f7344", bytes: include_bytes!("lang-eu-2ef5ad6a751c.js") },
    Asset { name: LANG_GL_JS, media_type: "text/javascript; charset=utf-8", digest: "4241c34ecfaba487a56551fe615d20b9aac8a020d915890362091bac2d85e33e", bytes: include_bytes!("lang-gl-4241c34ecfab.js") },
    Asset { name: PAGE_CSS, media_type: "text/css; charset=utf-8", digest: "937385052bd92007c8c44e15fc7818a61dd4888cbd8c8001f956a0cf53293cd8", bytes: include_bytes!("page-937385052bd9.css") },
    Asset { name: SANDBOX_JS, media_type: "text/javascript; charset=utf-8", digest: "7b06f23cc4de65d7c75ca26b5ce22fe2232385241c65bdf34394bee5990da9d0", bytes: include_bytes!("sandbox-7b06f23cc4de.js") },
    Asset { name: SIGN_JS, media_type: "text/javascript; charset=utf-8", digest: "f5dc90b3ffa77c2897cdae6be05d14a36f44919a99c74564c33f761bcd266e15", bytes: include_bytes!("sign-f5dc90b3ffa7.js") },
];
