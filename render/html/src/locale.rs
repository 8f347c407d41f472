//! How six languages write numbers, amounts and dates: the tables of CLDR that templates need, no more.

/// What one language writes.
pub(crate) struct Locale {
    /// For `<html lang>` and the PDF (BCP 47).
    pub tag: &'static str,
    pub decimal: char,
    pub grouping: char,
    /// Digits before the first group for which grouping begins (CLDR `minimumGroupingDigits`): with 2 it is 1234 and 12.345.
    pub minimum_grouping: usize,
    pub minus: char,
    /// Whether the sign of a currency comes first, and whether a number of it is then written without a space.
    pub currency_first: bool,
    /// Signs of currencies; all others are written by their code.
    pub currencies: &'static [(&'static str, &'static str)],
    /// Months as they stand beside a day (`MMMM`), alone (`LLLL`), shortened (`MMM`).
    pub months: [&'static str; 12],
    pub months_alone: [&'static str; 12],
    pub months_short: [&'static str; 12],
    /// From Monday on: `EEEE`, `EEE`.
    pub days: [&'static str; 7],
    pub days_short: [&'static str; 7],
    /// The long date: what `{{date v}}` writes.
    pub long_date: &'static str,
}

impl Locale {
    /// Of a contract's `Language`; unknown ones and `UNDEFINED` are Spanish.
    pub fn of(language: &str) -> &'static Self {
        match language.to_ascii_uppercase().as_str() {
            "EN" => &ENGLISH,
            "EU" => &BASQUE,
            "GL" => &GALICIAN,
            "CA" => &CATALAN,
            "DE" => &GERMAN,
            _ => &SPANISH,
        }
    }
}

static SPANISH: Locale = Locale {
    tag: "es",
    decimal: ',',
    grouping: '.',
    minimum_grouping: 2,
    minus: '-',
    currency_first: false,
    currencies: &[("EUR", "€"), ("USD", "US$")],
    months: SPANISH_MONTHS,
    months_alone: SPANISH_MONTHS,
    months_short: ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic"],
    days: ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"],
    days_short: ["lun", "mar", "mié", "jue", "vie", "sáb", "dom"],
    long_date: "d 'de' MMMM 'de' yyyy",
};

const SPANISH_MONTHS: [&str; 12] =
    ["enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"];

static ENGLISH: Locale = Locale {
    tag: "en",
    decimal: '.',
    grouping: ',',
    minimum_grouping: 1,
    minus: '-',
    currency_first: true,
    currencies: &[("EUR", "€"), ("USD", "$"), ("GBP", "£"), ("JPY", "¥")],
    months: ENGLISH_MONTHS,
    months_alone: ENGLISH_MONTHS,
    months_short: ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    days: ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    days_short: ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
    long_date: "MMMM d, yyyy",
};

const ENGLISH_MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];

static BASQUE: Locale = Locale {
    tag: "eu",
    decimal: ',',
    grouping: '.',
    minimum_grouping: 1,
    minus: '\u{2212}',
    currency_first: false,
    currencies: &[("EUR", "€"), ("USD", "US$"), ("GBP", "£"), ("JPY", "JP¥")],
    months: BASQUE_MONTHS,
    months_alone: BASQUE_MONTHS,
    months_short: ["urt.", "ots.", "mar.", "api.", "mai.", "eka.", "uzt.", "abu.", "ira.", "urr.", "aza.", "abe."],
    days: ["astelehena", "asteartea", "asteazkena", "osteguna", "ostirala", "larunbata", "igandea"],
    days_short: ["al.", "ar.", "az.", "og.", "or.", "lr.", "ig."],
    long_date: "yyyy'(e)ko' MMMM'ren' d'(a)'",
};

const BASQUE_MONTHS: [&str; 12] = [
    "urtarrila",
    "otsaila",
    "martxoa",
    "apirila",
    "maiatza",
    "ekaina",
    "uztaila",
    "abuztua",
    "iraila",
    "urria",
    "azaroa",
    "abendua",
];

static GALICIAN: Locale = Locale {
    tag: "gl",
    decimal: ',',
    grouping: '.',
    minimum_grouping: 1,
    minus: '-',
    currency_first: false,
    currencies: &[("EUR", "€"), ("USD", "$"), ("GBP", "£"), ("JPY", "JP¥")],
    months: GALICIAN_MONTHS,
    months_alone: GALICIAN_MONTHS,
    months_short: ["xan.", "feb.", "mar.", "abr.", "maio", "xuño", "xul.", "ago.", "set.", "out.", "nov.", "dec."],
    days: ["luns", "martes", "mércores", "xoves", "venres", "sábado", "domingo"],
    days_short: ["luns", "mar.", "mér.", "xov.", "ven.", "sáb.", "dom."],
    long_date: "d 'de' MMMM 'de' yyyy",
};

const GALICIAN_MONTHS: [&str; 12] =
    ["xaneiro", "febreiro", "marzo", "abril", "maio", "xuño", "xullo", "agosto", "setembro", "outubro", "novembro", "decembro"];

static CATALAN: Locale = Locale {
    tag: "ca",
    decimal: ',',
    grouping: '.',
    minimum_grouping: 1,
    minus: '-',
    currency_first: false,
    currencies: &[("EUR", "€"), ("GBP", "£"), ("JPY", "¥")],
    months: [
        "de gener",
        "de febrer",
        "de març",
        "d’abril",
        "de maig",
        "de juny",
        "de juliol",
        "d’agost",
        "de setembre",
        "d’octubre",
        "de novembre",
        "de desembre",
    ],
    months_alone: [
        "gener", "febrer", "març", "abril", "maig", "juny", "juliol", "agost", "setembre", "octubre", "novembre", "desembre",
    ],
    months_short: ["gen.", "febr.", "març", "abr.", "maig", "juny", "jul.", "ag.", "set.", "oct.", "nov.", "des."],
    days: ["dilluns", "dimarts", "dimecres", "dijous", "divendres", "dissabte", "diumenge"],
    days_short: ["dl.", "dt.", "dc.", "dj.", "dv.", "ds.", "dg."],
    long_date: "d MMMM 'del' yyyy",
};

static GERMAN: Locale = Locale {
    tag: "de",
    decimal: ',',
    grouping: '.',
    minimum_grouping: 1,
    minus: '-',
    currency_first: false,
    currencies: &[("EUR", "€"), ("USD", "$"), ("GBP", "£"), ("JPY", "¥")],
    months: GERMAN_MONTHS,
    months_alone: GERMAN_MONTHS,
    months_short: ["Jan.", "Feb.", "März", "Apr.", "Mai", "Juni", "Juli", "Aug.", "Sept.", "Okt.", "Nov.", "Dez."],
    days: ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"],
    days_short: ["Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"],
    long_date: "d. MMMM yyyy",
};

const GERMAN_MONTHS: [&str; 12] =
    ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember"];

/// Digits after the point of a currency (ISO 4217), or nothing for what is no code: three capital letters.
pub(crate) fn currency_digits(code: &str) -> Option<u32> {
    if code.len() != 3 || !code.bytes().all(|b| b.is_ascii_uppercase()) {
        return None;
    }
    Some(match code {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "VND" | "VUV" | "XAF" | "XOF"
        | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    })
}
