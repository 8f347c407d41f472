// Made by build.mjs.
pub const BOOT_JS: &str = "boot-04084c04d6b9.js";
pub const ICON_SVG: &str = "icon-ec0eb22aff4f.svg";
pub const LANG_CA_JS: &str = "lang-ca-a187ba29b87f.js";
pub const LANG_DE_JS: &str = "lang-de-ec59d4f6cb35.js";
pub const LANG_EN_JS: &str = "lang-en-28a277bcfe78.js";
pub const LANG_ES_JS: &str = "lang-es-706a710b8db8.js";
pub const LANG_EU_JS: &str = "lang-eu-ad7a285dc6c1.js";
pub const LANG_GL_JS: &str = "lang-gl-3dab5f7a4922.js";
pub const PAGE_CSS: &str = "page-937385052bd9.css";
pub const SANDBOX_JS: &str = "sandbox-7b06f23cc4de.js";
pub const SIGN_JS: &str = "sign-5c38f65fa5a8.js";
pub static ASSETS: [Asset; 11] = [
    Asset { name: BOOT_JS, media_type: "text/javascript; charset=utf-8", digest: "04084c04d6b94eafc34d4481b698dc490f8e4136adf2134f8a48e7e9047db2d5", bytes: include_bytes!("boot-04084c04d6b9.js") },
    Asset { name: ICON_SVG, media_type: "image/svg+xml", digest: "ec0eb22aff4f5559d3085fd50b820d2df64302507d6c729c64872df34731546b", bytes: include_bytes!("icon-ec0eb22aff4f.svg") },
    Asset { name: LANG_CA_JS, media_type: "text/javascript; charset=utf-8", digest: "a187ba29b87f60035590b0b1ab84e7c8691a315fee8c1a4a3df3a0ce22ab6321", bytes: include_bytes!("lang-ca-a187ba29b87f.js") },
    Asset { name: LANG_DE_JS, media_type: "text/javascript; charset=utf-8", digest: "ec59d4f6cb354560a94566c8ad6322c1c153dba09f670db63d098ac701f9005e", bytes: include_bytes!("lang-de-ec59d4f6cb35.js") },
    Asset { name: LANG_EN_JS, media_type: "text/javascript; charset=utf-8", digest: "28a277bcfe781656e3ad9acf744ed590046ac3a54615210a641cc38c34e13a41", bytes: include_bytes!("lang-en-28a277bcfe78.js") },
    Asset { name: LANG_ES_JS, media_type: "text/javascript; charset=utf-8", digest: "706a710b8db82a7f608a513cdf27d67ebd0cf4090080894435b5e97aad6a055e", bytes: include_bytes!("lang-es-706a710b8db8.js") },
    Asset { name: LANG_EU_JS, media_type: "text/javascript; charset=utf-8", digest: "ad7a285dc6c14e232b65927cad9afa56e58e6823ac3c54804f557ac82327cf64", bytes: include_bytes!("lang-eu-ad7a285dc6c1.js") },
    Asset { name: LANG_GL_JS, media_type: "text/javascript; charset=utf-8", digest: "3dab5f7a4922850c0573a4384d904e5e1ec0a0bf5bcd33a7dc38e8e62222417e", bytes: include_bytes!("lang-gl-3dab5f7a4922.js") },
    Asset { name: PAGE_CSS, media_type: "text/css; charset=utf-8", digest: "937385052bd92007c8c44e15fc7818a61dd4888cbd8c8001f956a0cf53293cd8", bytes: include_bytes!("page-937385052bd9.css") },
    Asset { name: SANDBOX_JS, media_type: "text/javascript; charset=utf-8", digest: "7b06f23cc4de65d7c75ca26b5ce22fe2232385241c65bdf34394bee5990da9d0", bytes: include_bytes!("sandbox-7b06f23cc4de.js") },
    Asset { name: SIGN_JS, media_type: "text/javascript; charset=utf-8", digest: "5c38f65fa5a88d2177c34b38d27e82da91cd27c0037dab141bca34f99b93993a", bytes: include_bytes!("sign-5c38f65fa5a8.js") },
];
