//! All fixed words of the certificate, in its six languages.

use serde::{Deserialize, Serialize};

use super::Action;
use super::evidence::NumberCheck;
use crate::active::ActiveContent;

/// The languages of the contract in which a certificate can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Language {
    Es,
    En,
    Ca,
    Eu,
    Gl,
    De,
}

impl Language {
    /// Every language, in the order of [`Phrase`].
    pub const ALL: [Language; 6] = [Language::Es, Language::En, Language::Ca, Language::Eu, Language::Gl, Language::De];

    /// The language for a value of the contract's `Language`, in any case; `None` for UNDEFINED and what is not known.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(text))
    }

    /// The language tag (BCP 47).
    pub fn tag(self) -> &'static str {
        match self {
            Language::Es => "es",
            Language::En => "en",
            Language::Ca => "ca",
            Language::Eu => "eu",
            Language::Gl => "gl",
            Language::De => "de",
        }
    }
}

/// The same words in Spanish, English, Catalan, Basque, Galician and German.
pub(super) struct Phrase([&'static str; 6]);

impl Phrase {
    pub fn say(&self, language: Language) -> &'static str {
        self.0[language as usize]
    }
}

macro_rules! phrases {
    ($($name:ident = $($text:literal),+;)+) => {
        $(pub(super) const $name: Phrase = Phrase([$($text),+]);)+
        #[cfg(test)]
        const EVERY: &[Phrase] = &[$($name),+];
    };
}

phrases! {
    TITLE = "Certificado de firma", "Certificate of signature", "Certificat de signatura", "Sinadura-ziurtagiria",
        "Certificado de sinatura", "Signaturzertifikat";
    SUBTITLE = "Evidencias de un proceso de firma electrónica", "Evidence of an electronic signing process",
        "Evidències d’un procés de signatura electrònica", "Sinadura elektronikoko prozesu baten ebidentziak",
        "Evidencias dun proceso de sinatura electrónica", "Nachweise zu einem elektronischen Signaturvorgang";
    ORGANIZATION = "Organización", "Organization", "Organització", "Erakundea", "Organización", "Organisation";
    PROCESS = "Proceso", "Process", "Procés", "Prozesua", "Proceso", "Vorgang";
    SIGN_TYPE = "Tipo de firma", "Type of signature", "Tipus de signatura", "Sinadura mota", "Tipo de sinatura", "Art der Signatur";
    CREATED = "Creado", "Created", "Creat", "Sortua", "Creado", "Erstellt";
    COMPLETED = "Firmado por todos", "Signed by all", "Signat per tothom", "Guztiek sinatua", "Asinado por todos", "Von allen signiert";
    EXPIRES = "Fecha límite", "Deadline", "Data límit", "Epemuga", "Data límite", "Frist";
    GENERATED = "Certificado emitido", "Certificate issued", "Certificat emès", "Ziurtagiria emana", "Certificado emitido",
        "Zertifikat ausgestellt";
    TIME_ZONE = "Zona horaria", "Time zone", "Zona horària", "Ordu-eremua", "Zona horaria", "Zeitzone";

    SIGNERS = "Firmantes", "Signers", "Signants", "Sinatzaileak", "Asinantes", "Unterzeichnende";
    NAME = "Nombre", "Name", "Nom", "Izena", "Nome", "Name";
    ALIAS = "Alias", "Alias", "Àlies", "Aliasa", "Alias", "Alias";
    EMAIL = "Correo electrónico", "E-mail", "Correu electrònic", "Helbide elektronikoa", "Correo electrónico", "E-Mail";
    PHONE = "Teléfono", "Phone", "Telèfon", "Telefonoa", "Teléfono", "Telefon";
    IDENTITY_DOCUMENT = "Documento de identidad", "Identity document", "Document d’identitat", "Nortasun-agiria",
        "Documento de identidade", "Ausweisdokument";
    CONTACT_ORIGIN = "Origen del contacto", "Origin of the contact", "Origen del contacte", "Kontaktuaren jatorria",
        "Orixe do contacto", "Herkunft des Kontakts";
    LANGUAGE = "Idioma", "Language", "Idioma", "Hizkuntza", "Idioma", "Sprache";
    SIGNATURE = "Firma", "Signature", "Signatura", "Sinadura", "Sinatura", "Signatur";
    SHOWN = "Documentos mostrados", "Documents shown", "Documents mostrats", "Dokumentuak erakutsita", "Documentos amosados",
        "Dokumente angezeigt";
    SIGNED = "Firmado", "Signed", "Signat", "Sinatua", "Asinado", "Signiert";
    CONSENT = "Consentimiento", "Consent", "Consentiment", "Adostasuna", "Consentimento", "Einwilligung";

    IDENTIFICATION = "Identificación", "Identification", "Identificació", "Identifikazioa", "Identificación", "Identifizierung";
    CHANNEL = "Canal y destino", "Channel and destination", "Canal i destinació", "Kanala eta helmuga", "Canle e destino",
        "Kanal und Ziel";
    SECOND_FACTOR = "Segundo factor", "Second factor", "Segon factor", "Bigarren faktorea", "Segundo factor", "Zweiter Faktor";
    VOUCHED_BY = "Agente", "Agent", "Agent", "Agentea", "Axente", "Fachkraft";
    PROOFS = "Pruebas (SHA-256)", "Proofs (SHA-256)", "Proves (SHA-256)", "Frogak (SHA-256)", "Probas (SHA-256)", "Belege (SHA-256)";
    DOCUMENT_PICTURE = "Imagen del documento de identidad", "Picture of the identity document", "Imatge del document d’identitat",
        "Nortasun-agiriaren irudia", "Imaxe do documento de identidade", "Bild des Ausweisdokuments";
    PICTURE_READING = "Lectura de la imagen", "Reading of the picture", "Lectura de la imatge", "Irudiaren irakurketa",
        "Lectura da imaxe", "Aus dem Bild Gelesenes";
    ATTEMPTS = "Intentos", "Attempts", "Intents", "Saiakerak", "Intentos", "Versuche";
    VALIDATED = "Identidad validada", "Identity validated", "Identitat validada", "Nortasuna balioztatuta", "Identidade validada",
        "Identität bestätigt";
    CODE = "Código", "Code", "Codi", "Kodea", "Código", "Code";
    REQUESTED = "Solicitado", "Requested", "Sol·licitat", "Eskatua", "Solicitado", "Angefordert";
    CHECKED_BY = "Documento comprobado por", "Document checked by", "Document comprovat per", "Agiria egiaztatu duena",
        "Documento comprobado por", "Dokument geprüft von";
    ATTEMPT = "Intento", "Attempt", "Intent", "Saiakera", "Intento", "Versuch";
    BEGUN = "Inicio", "Begun", "Inici", "Hasiera", "Inicio", "Begonnen";
    RESULT = "Resultado", "Result", "Resultat", "Emaitza", "Resultado", "Ergebnis";
    CHECKS = "Comprobaciones e imágenes (SHA-256)", "Checks and images (SHA-256)", "Comprovacions i imatges (SHA-256)",
        "Egiaztapenak eta irudiak (SHA-256)", "Comprobacións e imaxes (SHA-256)", "Prüfungen und Bilder (SHA-256)";
    PASSED = "Superado", "Passed", "Superat", "Gaindituta", "Superado", "Bestanden";
    NOT_PASSED = "No superado", "Not passed", "No superat", "Gainditu gabe", "Non superado", "Nicht bestanden";
    POINTS_TO_FRAUD = "indicio de fraude", "points to fraud", "indici de frau", "iruzur-zantzua", "indicio de fraude",
        "deutet auf Betrug hin";
    FRONT = "Anverso", "Front", "Anvers", "Aurrealdea", "Anverso", "Vorderseite";
    BACK = "Reverso", "Back", "Revers", "Atzealdea", "Reverso", "Rückseite";
    STATUS_SCORED = "Comprobado", "Checked", "Comprovat", "Egiaztatuta", "Comprobado", "Geprüft";
    DELIVERY = "Envío y acuses", "Delivery and receipts", "Enviament i justificants", "Bidalketa eta hartu-agiriak",
        "Envío e xustificantes", "Versand und Zustellnachweise";
    VALID_UNTIL = "Válido hasta", "Valid until", "Vàlid fins a", "Noiz arte balioduna", "Válido ata", "Gültig bis";
    BY_THE_TENANT = "entregado por la organización", "delivered by the organization", "lliurat per l’organització",
        "erakundeak berak bidalia", "entregado pola organización", "von der Organisation zugestellt";
    CODE_SENDER = "Remitente: {}", "Sender: {}", "Remitent: {}", "Bidaltzailea: {}", "Remitente: {}", "Absender: {}";
    CHANNEL_OF_LINK = "mismo canal que el enlace", "same channel as the link", "mateix canal que l’enllaç", "estekaren kanal bera",
        "mesma canle que a ligazón", "gleicher Weg wie der Link";
    FATE_DELIVERED = "Entregado", "Delivered", "Lliurat", "Entregatua", "Entregado", "Zugestellt";
    FATE_UNKNOWN = "Entrega desconocida", "Delivery unknown", "Lliurament desconegut", "Entrega ezezaguna", "Entrega descoñecida",
        "Zustellung unbekannt";

    NUMBER_CHECKS = "Operador del número: {} · {}", "Operator of the number: {} · {}", "Operador del número: {} · {}",
        "Zenbakiaren operadorea: {} · {}", "Operador do número: {} · {}", "Betreiber der Nummer: {} · {}";
    SECOND_PROOF = "Segunda prueba", "Second proof", "Segona prova", "Bigarren froga", "Segunda proba", "Zweiter Nachweis";
    SECOND_PROOF_NEEDED = "Exigida; no se aportó", "Required; none was given", "Exigida; no s’ha aportat", "Eskatua; ez da eman",
        "Esixida; non se achegou", "Verlangt; keiner erbracht";
    CONTACT_CHECK = "Contacto comprobado", "Contact checked", "Contacte comprovat", "Kontaktua egiaztatuta", "Contacto comprobado",
        "Kontakt überprüft";
    CHAIN_PROOF = "Otra identificación de la misma cadena", "Another identification of the same chain",
        "Una altra identificació de la mateixa cadena", "Kate bereko beste identifikazio bat", "Outra identificación da mesma cadea",
        "Eine andere Identifizierung derselben Kette";
    LINK_CHANNEL = "Canal del enlace", "Channel of the link", "Canal de l’enllaç", "Estekaren kanala", "Canle da ligazón",
        "Kanal des Links";
    SAME_CHANNEL = "El mismo que el del código", "The same as that of the code", "El mateix que el del codi", "Kodearen bera",
        "O mesmo que o do código", "Derselbe wie beim Code";
    OTHER_CHANNEL = "Distinto del del código", "Not that of the code", "Diferent del del codi", "Kodearena ez dena",
        "Distinto do do código", "Ein anderer als beim Code";

    HANDWRITING = "Firma manuscrita", "Handwritten signature", "Signatura manuscrita", "Eskuz egindako sinadura", "Sinatura manuscrita",
        "Handschriftliche Unterschrift";
    ENCRYPTED_BY_CLIENT = "Cifrada ya por el cliente; no examinada", "Encrypted by the client; not inspected",
        "Xifrada ja pel client; no examinada", "Bezeroak zifratuta; aztertu gabe", "Cifrada xa polo cliente; non examinada",
        "Bereits vom Client verschlüsselt; nicht geprüft";
    UNKNOWN_FORMAT = "Formato desconocido; no examinada", "Unknown format; not inspected", "Format desconegut; no examinada",
        "Formatu ezezaguna; aztertu gabe", "Formato descoñecido; non examinada", "Unbekanntes Format; nicht geprüft";
    PEN = "lápiz digital", "pen", "llapis digital", "arkatz digitala", "lapis dixital", "Stift";
    TOUCH = "dedo", "finger", "dit", "hatza", "dedo", "Finger";
    MOUSE = "ratón", "mouse", "ratolí", "sagua", "rato", "Maus";
    WITH_PRESSURE = "con presión", "with pressure", "amb pressió", "presioarekin", "con presión", "mit Druck";
    NO_PRESSURE = "sin presión", "without pressure", "sense pressió", "presiorik gabe", "sen presión", "ohne Druck";
    CAPTURE = "Calidad de la captura", "Quality of the capture", "Qualitat de la captura", "Kapturaren kalitatea", "Calidade da captura",
        "Qualität der Erfassung";
    REMARKS = "Observaciones: {}", "Remarks: {}", "Observacions: {}", "Oharrak: {}", "Observacións: {}", "Anmerkungen: {}";
    ACCEPTED_ANYWAY = "Aceptada por {} pese a: {}", "Accepted by {} in spite of: {}", "Acceptada per {} malgrat: {}",
        "{} arduradunak onartua, hau gorabehera: {}", "Aceptada por {} a pesar de: {}", "Angenommen von {} trotz: {}";
    STROKES = "trazos", "strokes", "traços", "trazuak", "trazos", "Striche";
    POINTS = "puntos", "points", "punts", "puntuak", "puntos", "Punkte";
    DISTINCT_POSITIONS = "posiciones distintas", "distinct positions", "posicions diferents", "kokapen desberdinak",
        "posicións distintas", "verschiedene Positionen";
    DURATION = "duración", "duration", "durada", "iraupena", "duración", "Dauer";
    WIDTH = "anchura", "width", "amplada", "zabalera", "largura", "Breite";
    HEIGHT = "altura", "height", "alçada", "altuera", "altura", "Höhe";
    WIDTH_OF_PAD = "anchura respecto al panel", "width, share of the pad", "amplada respecte al panell", "zabalera, panelarekiko",
        "largura respecto ao panel", "Breite, Anteil des Felds";
    HEIGHT_OF_PAD = "altura respecto al panel", "height, share of the pad", "alçada respecte al panell", "altuera, panelarekiko",
        "altura respecto ao panel", "Höhe, Anteil des Felds";
    SIZE = "tamaño", "size", "mida", "tamaina", "tamaño", "Größe";
    SPREAD = "dispersión", "spread", "dispersió", "sakabanatzea", "dispersión", "Streuung";
    LENGTH_OF_DIAGONAL = "longitud respecto a la diagonal", "length, share of the diagonal", "longitud respecte a la diagonal",
        "luzera, diagonalarekiko", "lonxitude respecto á diagonal", "Länge, Anteil der Diagonale";
    TURNING = "giro total", "total turning", "gir total", "biraketa osoa", "xiro total", "Richtungsänderung insgesamt";
    RATE = "frecuencia de muestreo", "sampling rate", "freqüència de mostreig", "laginketa-maiztasuna", "frecuencia de mostraxe",
        "Abtastrate";
    GAPS = "interrupciones", "gaps", "interrupcions", "etenak", "interrupcións", "Lücken";
    SPEED_VARIATION = "variación de la velocidad", "variation of speed", "variació de la velocitat", "abiaduraren aldakortasuna",
        "variación da velocidade", "Schwankung der Geschwindigkeit";
    FEW_POSITIONS = "pocas posiciones distintas", "few distinct positions", "poques posicions diferents", "kokapen desberdin gutxi",
        "poucas posicións distintas", "wenige verschiedene Positionen";
    SHORT = "breve", "short", "breu", "laburra", "breve", "kurz";
    NEARLY_A_LINE = "casi una línea", "nearly a line", "gairebé una línia", "ia lerro bat", "case unha liña", "fast eine Linie";
    LOW_RATE = "muestreo lento", "low sampling rate", "mostreig lent", "laginketa geldoa", "mostraxe lenta", "niedrige Abtastrate";
    EVEN_SPEED = "velocidad uniforme", "even speed", "velocitat uniforme", "abiadura uniformea", "velocidade uniforme",
        "gleichmäßige Geschwindigkeit";
    SAMPLE = "Muestra enviada", "Sample as sent", "Mostra enviada", "Bidalitako lagina", "Mostra enviada", "Gesendete Aufzeichnung";
    SIGNATURE_IMAGE = "Imagen de la firma", "Picture of the signature", "Imatge de la signatura", "Sinaduraren irudia",
        "Imaxe da sinatura", "Bild der Unterschrift";
    ENVELOPE = "Sobre cifrado en cada documento", "Encrypted envelope in each document", "Sobre xifrat a cada document",
        "Gutun-azal zifratua dokumentu bakoitzean", "Sobre cifrado en cada documento", "Verschlüsselter Umschlag in jedem Dokument";
    HOLDER = "Depositario de la clave", "Holder of the key", "Dipositari de la clau", "Gakoaren gordailuzaina",
        "Depositario da clave", "Verwahrer des Schlüssels";
    EXPIRED_WHEN_SIGNED = "caducado al firmar", "expired when it was signed", "caducat en signar", "sinatzean iraungita",
        "caducado ao asinar", "bei der Unterschrift abgelaufen";

    DEVICE = "Dispositivo", "Device", "Dispositiu", "Gailua", "Dispositivo", "Gerät";
    SIGNING_DEVICE = "Dispositivo de firma", "Signing device", "Dispositiu de signatura", "Sinatzeko gailua", "Dispositivo de sinatura",
        "Gerät bei der Signatur";
    SHOWING_DEVICE = "Dispositivo de lectura", "Reading device", "Dispositiu de lectura", "Irakurtzeko gailua", "Dispositivo de lectura",
        "Gerät bei der Anzeige";
    IDENTIFYING_DEVICE = "Dispositivo de identificación", "Identification device", "Dispositiu d’identificació", "Identifikazio-gailua",
        "Dispositivo de identificación", "Gerät bei der Identifizierung";
    IP = "Dirección IP", "IP address", "Adreça IP", "IP helbidea", "Enderezo IP", "IP-Adresse";
    USER_AGENT = "Navegador o aplicación", "Browser or application", "Navegador o aplicació", "Nabigatzailea edo aplikazioa",
        "Navegador ou aplicación", "Browser oder Anwendung";
    INSTALLATION = "Instalación", "Installation", "Instal·lació", "Instalazioa", "Instalación", "Installation";
    FINGERPRINT = "Huella del dispositivo", "Device fingerprint", "Empremta del dispositiu", "Gailuaren hatz-marka",
        "Pegada do dispositivo", "Geräte-Fingerabdruck";
    LOCATION = "Ubicación", "Location", "Ubicació", "Kokapena", "Localización", "Standort";

    DOCUMENTS = "Documentos", "Documents", "Documents", "Dokumentuak", "Documentos", "Dokumente";
    DOCUMENT = "Documento", "Document", "Document", "Dokumentua", "Documento", "Dokument";
    HASHES = "Huellas SHA-256", "SHA-256 hashes", "Resums SHA-256", "SHA-256 laburpenak", "Pegadas SHA-256", "SHA-256-Hashwerte";
    FIELDS = "Campos de firma", "Signature fields", "Camps de signatura", "Sinadura-eremuak", "Campos de sinatura", "Signaturfelder";
    ORIGINAL = "Original", "Original", "Original", "Jatorrizkoa", "Orixinal", "Original";
    SEALED = "Sellado", "Sealed", "Segellat", "Zigilatua", "Selado", "Gesiegelt";
    PREVIEW_DOCUMENTS = "Documentos mostrados sin firma", "Documents shown without signature", "Documents mostrats sense signatura",
        "Sinadurarik gabe erakutsitako dokumentuak", "Documentos amosados sen sinatura", "Ohne Signatur angezeigte Dokumente";
    ONE_PAGE = "1 página", "1 page", "1 pàgina", "orri 1", "1 páxina", "1 Seite";
    PAGES = "{} páginas", "{} pages", "{} pàgines", "{} orri", "{} páxinas", "{} Seiten";
    BYTES = "{} bytes", "{} bytes", "{} bytes", "{} byte", "{} bytes", "{} Bytes";

    ACTIVE_CONTENT = "Contenido activo", "Active content", "Contingut actiu", "Eduki aktiboa", "Contido activo", "Aktive Inhalte";
    JAVASCRIPT = "JavaScript: {}", "JavaScript: {}", "JavaScript: {}", "JavaScript: {}", "JavaScript: {}", "JavaScript: {}";
    LAUNCH_ACTIONS = "acciones que abren programas: {}", "actions that start programs: {}", "accions que obren programes: {}",
        "programak abiarazten dituzten ekintzak: {}", "accións que abren programas: {}", "Aktionen, die Programme starten: {}";
    EMBEDDED_FILES = "ficheros incrustados: {}", "embedded files: {}", "fitxers incrustats: {}", "txertatutako fitxategiak: {}",
        "ficheiros incrustados: {}", "eingebettete Dateien: {}";
    MULTIMEDIA = "multimedia: {}", "multimedia: {}", "multimèdia: {}", "multimedia: {}", "multimedia: {}", "Multimedia: {}";
    CONTRACT = "Contrato", "Contract", "Contracte", "Kontratua", "Contrato", "Vertrag";
    FILLED_FROM = "Plantilla {}, versión {}", "Template {}, version {}", "Plantilla {}, versió {}", "{} txantiloia, {} bertsioa",
        "Modelo {}, versión {}", "Vorlage {}, Version {}";
    PAGES_COMPARED = "Muestra lo mismo que el original: toda la estructura y {} de {} páginas comparadas como imagen",
        "Shows what the original shows: the whole structure and {} of {} pages compared as images",
        "Mostra el mateix que l'original: tota l'estructura i {} de {} pàgines comparades com a imatge",
        "Jatorrizkoak erakusten duena: egitura osoa eta {} / {} orri irudi gisa alderatuta",
        "Mostra o mesmo que o orixinal: toda a estrutura e {} de {} páxinas comparadas como imaxe",
        "Zeigt dasselbe wie das Original: gesamte Struktur und {} von {} Seiten als Bild verglichen";
    XFA_FORM = "formulario XFA", "XFA form", "formulari XFA", "XFA inprimakia", "formulario XFA", "XFA-Formular";

    TIMELINE = "Cronología", "Timeline", "Cronologia", "Kronologia", "Cronoloxía", "Zeitlicher Ablauf";
    TIME = "Momento", "Time", "Moment", "Unea", "Momento", "Zeitpunkt";
    ACTOR = "Quién", "Who", "Qui", "Nor", "Quen", "Wer";
    EVENT = "Qué", "What", "Què", "Zer", "Que", "Was";
    JOURNAL_ENTRY = "Entrada del registro", "Journal entry", "Entrada del registre", "Erregistroko sarrera", "Entrada do rexistro",
        "Protokolleintrag";

    JOURNALS = "Integridad del registro", "Integrity of the journal", "Integritat del registre", "Erregistroaren osotasuna",
        "Integridade do rexistro", "Unversehrtheit des Protokolls";
    JOURNALS_TEXT =
        "Cada entrada del registro incluye la huella de la anterior: quien cambie, quite o añada una entrada rompe la cadena. El fichero adjunto contiene las huellas de todas las entradas. La cadena se calcula así:",
        "Every entry of the journal includes the hash of the one before it: whoever changes, removes or adds an entry breaks the chain. The attached file holds the hashes of all entries. The chain is computed as follows:",
        "Cada entrada del registre inclou el resum de l’anterior: qui canviï, tregui o afegeixi una entrada trenca la cadena. El fitxer adjunt conté els resums de totes les entrades. La cadena es calcula així:",
        "Erregistroko sarrera bakoitzak aurrekoaren laburpena hartzen du barne: sarreraren bat aldatu, kendu edo gehitzen duenak katea hausten du. Erantsitako fitxategiak sarrera guztien laburpenak ditu. Katea honela kalkulatzen da:",
        "Cada entrada do rexistro inclúe a pegada da anterior: quen cambie, quite ou engada unha entrada rompe a cadea. O ficheiro anexo contén as pegadas de todas as entradas. A cadea calcúlase así:",
        "Jeder Eintrag des Protokolls enthält den Hashwert des vorigen: Wer einen Eintrag ändert, entfernt oder hinzufügt, zerreißt die Kette. Die angehängte Datei enthält die Hashwerte aller Einträge. Die Kette wird so berechnet:";
    JOURNAL = "Registro", "Journal", "Registre", "Erregistroa", "Rexistro", "Protokoll";
    ENTRIES = "Entradas", "Entries", "Entrades", "Sarrerak", "Entradas", "Einträge";
    HEAD_HASH = "Huella de la última entrada", "Hash of the last entry", "Resum de l’última entrada", "Azken sarreraren laburpena",
        "Pegada da última entrada", "Hashwert des letzten Eintrags";

    SEALING_CERTIFICATE = "Certificado de sello", "Sealing certificate", "Certificat de segell", "Zigilu-ziurtagiria",
        "Certificado de selo", "Siegelzertifikat";
    SUBJECT = "Titular", "Subject", "Titular", "Titularra", "Titular", "Inhaber";
    ISSUER = "Emisor", "Issuer", "Emissor", "Jaulkitzailea", "Emisor", "Aussteller";
    SERIAL = "Número de serie", "Serial number", "Número de sèrie", "Serie-zenbakia", "Número de serie", "Seriennummer";
    VALIDITY = "Validez", "Validity", "Validesa", "Baliozkotasuna", "Validez", "Gültigkeit";
    CERTIFICATE_HASH = "Huella SHA-256", "SHA-256 fingerprint", "Empremta SHA-256", "SHA-256 hatz-marka", "Pegada SHA-256",
        "SHA-256-Fingerabdruck";

    VERIFY = "Cómo comprobarlo", "How to verify", "Com comprovar-ho", "Nola egiaztatu", "Como comprobalo", "So prüfen Sie";
    VERIFY_TEXT =
        "Este certificado y los documentos sellados llevan firma electrónica, y las mismas evidencias van adjuntas a este PDF como JSON firmado (evidence.json). Todo puede comprobarse sin conexión y sin este servicio, con la orden:",
        "This certificate and the sealed documents carry electronic signatures, and the same evidence is attached to this PDF as signed JSON (evidence.json). All of it can be verified offline and without this service, with the command:",
        "Aquest certificat i els documents segellats porten signatura electrònica, i les mateixes evidències van adjuntes a aquest PDF com a JSON signat (evidence.json). Tot es pot comprovar sense connexió i sense aquest servei, amb l’ordre:",
        "Ziurtagiri honek eta zigilatutako dokumentuek sinadura elektronikoa dute, eta ebidentzia berberak PDF honi erantsita daude, JSON sinatu gisa (evidence.json). Dena konexiorik gabe eta zerbitzu hau gabe egiazta daiteke, agindu honekin:",
        "Este certificado e os documentos selados levan sinatura electrónica, e as mesmas evidencias van anexas a este PDF como JSON asinado (evidence.json). Todo pode comprobarse sen conexión e sen este servizo, coa orde:",
        "Dieses Zertifikat und die gesiegelten Dokumente sind elektronisch signiert, und dieselben Nachweise sind dieser PDF-Datei als signiertes JSON (evidence.json) angehängt. Alles lässt sich ohne Verbindung und ohne diesen Dienst prüfen, mit dem Befehl:";
    VERIFY_FILE = "fichero.pdf", "file.pdf", "fitxer.pdf", "fitxategia.pdf", "ficheiro.pdf", "datei.pdf";
    VERIFY_HASHES =
        "Un documento es el que aquí figura solo si su huella SHA-256 coincide. Los correos, teléfonos y números de documento están enmascarados.",
        "A document is the one listed here only if its SHA-256 hash is the same. E-mail addresses, phone and document numbers are masked.",
        "Un document és el que hi figura només si el seu resum SHA-256 coincideix. Els correus, telèfons i números de document estan emmascarats.",
        "Dokumentu bat hemen ageri dena da, baldin eta haren SHA-256 laburpena bat badator. Helbide elektronikoak, telefonoak eta agiri-zenbakiak maskaratuta daude.",
        "Un documento é o que aquí figura só se a súa pegada SHA-256 coincide. Os correos, teléfonos e números de documento están enmascarados.",
        "Ein Dokument ist nur dann das hier aufgeführte, wenn sein SHA-256-Hashwert übereinstimmt. E-Mail-Adressen, Telefon- und Ausweisnummern sind maskiert.";
    PAGE_OF = "Página {} de {}", "Page {} of {}", "Pàgina {} de {}", "{}. orria, guztira {}", "Páxina {} de {}", "Seite {} von {}";

    SIMPLE = "Simple", "Simple", "Simple", "Sinplea", "Simple", "Einfach";
    BIOMETRIC = "Biométrica", "Biometric", "Biomètrica", "Biometrikoa", "Biométrica", "Biometrisch";
    OTP = "Código de un solo uso", "One-time code", "Codi d’un sol ús", "Erabilera bakarreko kodea", "Código dun só uso", "Einmalcode";
    AGENT = "Ante un agente", "By an agent", "Davant d’un agent", "Agente baten aurrean", "Ante un axente", "Durch eine Fachkraft";
    EMAIL_CHANNEL = "Correo electrónico", "E-mail", "Correu electrònic", "Posta elektronikoa", "Correo electrónico", "E-Mail";
    DOCUMENT_NUMBER = "Número de documento", "Document number", "Número de document", "Agiriaren zenbakia", "Número de documento",
        "Ausweisnummer";
    PASSPORT = "Pasaporte", "Passport", "Passaport", "Pasaportea", "Pasaporte", "Reisepass";
    IDENTITY_CARD = "Documento de identidad", "Identity card", "Document d’identitat", "Nortasun-agiria", "Documento de identidade",
        "Personalausweis";

    CUSTOMER_RECORD = "Datos de cliente de la organización", "Customer data of the organization", "Dades de client de l’organització",
        "Erakundearen bezero-datuak", "Datos de cliente da organización", "Kundendaten der Organisation";
    TYPED_BY_SIGNER = "Indicado por la persona firmante", "Given by the signer", "Indicat per la persona signant",
        "Sinatzaileak emana", "Indicado pola persoa asinante", "Von der unterzeichnenden Person angegeben";
    AGENT_CHECKED = "Comprobado por un agente", "Checked by an agent", "Comprovat per un agent", "Agente batek egiaztatua",
        "Comprobado por un axente", "Von einer Fachkraft überprüft";
    SIM_SWAP = "cambio de SIM", "SIM change", "canvi de SIM", "SIM aldaketa", "cambio de SIM", "SIM-Wechsel";
    NUMBER_VERIFICATION = "número del dispositivo", "number of the device", "número del dispositiu", "gailuaren zenbakia",
        "número do dispositivo", "Nummer des Geräts";
    KYC_MATCH = "titular", "holder", "titular", "titularra", "titular", "Inhaber";
    NO_OBJECTION = "sin objeción", "no objection", "sense objecció", "eragozpenik gabe", "sen obxección", "kein Einwand";
    OBJECTION = "objeción", "objection", "objecció", "eragozpena", "obxección", "Einwand";
    UNANSWERED = "sin respuesta", "no answer", "sense resposta", "erantzunik gabe", "sen resposta", "keine Antwort";

    STATUS_CREATED = "Creado", "Created", "Creat", "Sortua", "Creado", "Erstellt";
    STATUS_SIGNED = "Firmado", "Signed", "Signat", "Sinatua", "Asinado", "Signiert";
    STATUS_CERTIFIED = "Certificado", "Certified", "Certificat", "Ziurtatua", "Certificado", "Zertifiziert";
    STATUS_FAILED = "Fallido", "Failed", "Fallit", "Huts egindakoa", "Fallido", "Fehlgeschlagen";
    STATUS_CANCELLED = "Cancelado", "Cancelled", "Cancel·lat", "Bertan behera utzia", "Cancelado", "Abgebrochen";
    STATUS_EXPIRED = "Caducado", "Expired", "Caducat", "Iraungia", "Caducado", "Abgelaufen";
    STATUS_VALIDATED = "Validado", "Validated", "Validat", "Balioztatua", "Validado", "Bestätigt";
    STATUS_SUCCEEDED = "Completado", "Succeeded", "Completat", "Osatua", "Completado", "Erfolgreich";
    STATUS_CLOSED = "Cerrado", "Closed", "Tancat", "Itxia", "Pechado", "Geschlossen";

    PROCESS_CREATED = "Proceso creado", "Process created", "Procés creat", "Prozesua sortua", "Proceso creado", "Vorgang angelegt";
    IDENTIFICATION_CREATED = "Identificación iniciada", "Identification started", "Identificació iniciada", "Identifikazioa hasita",
        "Identificación iniciada", "Identifizierung begonnen";
    CODE_REQUESTED = "Código solicitado", "Code requested", "Codi sol·licitat", "Kodea eskatuta", "Código solicitado", "Code angefordert";
    CODE_SENT = "Código enviado", "Code sent", "Codi enviat", "Kodea bidalita", "Código enviado", "Code versandt";
    CODE_DELIVERED = "Código entregado", "Code delivered", "Codi lliurat", "Kodea helarazita", "Código entregado", "Code zugestellt";
    CODE_NOT_DELIVERED = "Código no entregado", "Code not delivered", "Codi no lliurat", "Kodea ez da heldu", "Código non entregado",
        "Code nicht zugestellt";
    CODE_DELIVERY_UNKNOWN = "Entrega del código desconocida", "Code delivery unknown", "Lliurament del codi desconegut",
        "Kodearen entrega ezezaguna", "Entrega do código descoñecida", "Zustellung des Codes unbekannt";
    CODE_REROUTED = "Código enviado por otro canal", "Code sent on another channel", "Codi enviat per un altre canal",
        "Kodea beste kanal batetik bidalita", "Código enviado por outra canle", "Code auf anderem Weg versandt";
    NOTICE_SENT = "Aviso enviado", "Notice sent", "Avís enviat", "Jakinarazpena bidalita", "Aviso enviado", "Benachrichtigung gesendet";
    NOTICE_NOT_SENT = "Aviso no entregado", "Notice not delivered", "Avís no lliurat", "Jakinarazpena ez da entregatu",
        "Aviso non entregado", "Benachrichtigung nicht zugestellt";
    WRONG_ANSWER = "Respuesta incorrecta", "Wrong answer", "Resposta incorrecta", "Erantzun okerra", "Resposta incorrecta",
        "Falsche Antwort";
    NUMBER_CHECKED = "Número consultado a su operador", "Number checked with its operator", "Número consultat al seu operador",
        "Zenbakia operadorearekin egiaztatuta", "Número consultado ao seu operador", "Nummer beim Betreiber geprüft";
    CODE_REFUSED = "Código retenido por la respuesta del operador", "Code withheld after the operator’s answer",
        "Codi retingut per la resposta de l’operador", "Kodea atxikita, operadorearen erantzunagatik",
        "Código retido pola resposta do operador", "Code nach Auskunft des Betreibers zurückgehalten";
    AGENT_VOUCHED = "Identidad confirmada por un agente", "Identity confirmed by an agent", "Identitat confirmada per un agent",
        "Agente batek nortasuna berretsi du", "Identidade confirmada por un axente", "Identität durch eine Fachkraft bestätigt";
    DOCUMENT_SUBMITTED = "Imágenes del documento de identidad recibidas", "Images of the identity document received",
        "Imatges del document d’identitat rebudes", "Nortasun-agiriaren irudiak jasota", "Imaxes do documento de identidade recibidas",
        "Bilder des Ausweisdokuments erhalten";
    SCORING_DELEGATED = "Comprobación delegada en el proveedor", "Check delegated to the provider", "Comprovació delegada al proveïdor",
        "Egiaztapena hornitzailearen esku utzita", "Comprobación delegada no provedor", "Prüfung an den Anbieter übergeben";
    DOCUMENT_SCORED = "Documento de identidad comprobado", "Identity document checked", "Document d’identitat comprovat",
        "Nortasun-agiria egiaztatuta", "Documento de identidade comprobado", "Ausweisdokument geprüft";
    DOCUMENT_NOT_SCORED = "Documento de identidad sin resultado", "Identity document without a result",
        "Document d’identitat sense resultat", "Nortasun-agiria emaitzarik gabe", "Documento de identidade sen resultado",
        "Ausweisdokument ohne Ergebnis";
    DOCUMENT_NOT_PASSED = "La comprobación del documento no basta", "The check of the document does not suffice",
        "La comprovació del document no és suficient", "Agiriaren egiaztapena ez da nahikoa", "A comprobación do documento non abonda",
        "Die Prüfung des Dokuments reicht nicht aus";
    IDENTIFICATION_VALIDATED = "Identificación validada", "Identification validated", "Identificació validada",
        "Identifikazioa balioztatuta", "Identificación validada", "Identifizierung bestätigt";
    IDENTIFICATION_SUCCEEDED = "Identificación completada", "Identification succeeded", "Identificació completada",
        "Identifikazioa osatuta", "Identificación completada", "Identifizierung abgeschlossen";
    IDENTIFICATION_FAILED = "Identificación fallida", "Identification failed", "Identificació fallida",
        "Identifikazioak huts egin du", "Identificación fallida", "Identifizierung fehlgeschlagen";
    IDENTIFICATION_EXPIRED = "Identificación caducada", "Identification expired", "Identificació caducada", "Identifikazioa iraungita",
        "Identificación caducada", "Identifizierung abgelaufen";
    IDENTIFICATION_CANCELLED = "Identificación cancelada", "Identification cancelled", "Identificació cancel·lada",
        "Identifikazioa bertan behera utzita", "Identificación cancelada", "Identifizierung abgebrochen";
    SIGNED_BY = "Documentos firmados", "Documents signed", "Documents signats", "Dokumentuak sinatuta", "Documentos asinados",
        "Dokumente signiert";
    PROCESS_SIGNED = "Firmado por todos los firmantes", "Signed by all signers", "Signat per tots els signants",
        "Sinatzaile guztiek sinatua", "Asinado por todos os asinantes", "Von allen Unterzeichnenden signiert";
    DOCUMENT_SEALED = "Documento sellado", "Document sealed", "Document segellat", "Dokumentua zigilatuta", "Documento selado",
        "Dokument gesiegelt";
    PROCESS_CERTIFIED = "Proceso certificado", "Process certified", "Procés certificat", "Prozesua ziurtatuta", "Proceso certificado",
        "Vorgang zertifiziert";
    PROCESS_CANCELLED = "Proceso cancelado", "Process cancelled", "Procés cancel·lat", "Prozesua bertan behera utzita",
        "Proceso cancelado", "Vorgang abgebrochen";
    SIGNATURE_DECLINED = "Firma rechazada", "Signature declined", "Signatura rebutjada", "Sinadura baztertuta", "Sinatura rexeitada",
        "Unterschrift abgelehnt";
    LINK_RENEWED = "Enlace renovado", "Link renewed", "Enllaç renovat", "Esteka berrituta", "Ligazón renovada", "Link erneuert";
    LINK_SENT_AGAIN = "Enlace enviado de nuevo", "Link sent again", "Enllaç enviat de nou", "Esteka berriro bidalia",
        "Ligazón enviada de novo", "Link erneut gesendet";
    HANDED_OVER = "Dispositivo entregado por un agente", "Device handed over by an agent", "Dispositiu lliurat per un agent",
        "Agente batek gailua eman du", "Dispositivo entregado por un axente", "Gerät durch eine Fachkraft übergeben";
    ACTED_BY_HAND = "Intervención del personal", "Act of staff", "Intervenció del personal", "Langileen esku-hartzea",
        "Intervención do persoal", "Eingriff des Personals";
    PROVED_AGAIN = "Código correcto de nuevo", "Right code given again", "Codi correcte de nou", "Kode zuzena berriro",
        "Código correcto de novo", "Code erneut richtig";
    PROCESS_EXPIRED = "Proceso caducado", "Process expired", "Procés caducat", "Prozesua iraungita", "Proceso caducado",
        "Vorgang abgelaufen";
    PROCESS_FAILED = "Proceso fallido", "Process failed", "Procés fallit", "Prozesuak huts egin du", "Proceso fallido",
        "Vorgang fehlgeschlagen";
}

/// The words for a value of one of the contract's enums; what is not known here stays as it is.
pub(super) fn word(value: &str, language: Language) -> String {
    let phrase = match value {
        "CREATED" => &STATUS_CREATED,
        "SIGNED" => &STATUS_SIGNED,
        "CERTIFIED" => &STATUS_CERTIFIED,
        "FAILED" => &STATUS_FAILED,
        "CANCELLED" => &STATUS_CANCELLED,
        "EXPIRED" => &STATUS_EXPIRED,
        "VALIDATED" => &STATUS_VALIDATED,
        "SUCCEEDED" => &STATUS_SUCCEEDED,
        "CLOSED" => &STATUS_CLOSED,
        "SCORED" => &STATUS_SCORED,
        "DELIVERED" => &FATE_DELIVERED,
        "UNKNOWN" => &FATE_UNKNOWN,
        "SIMPLE" => &SIMPLE,
        "BIOMETRIC" => &BIOMETRIC,
        "OTP" => &OTP,
        "AGENT" => &AGENT,
        "IDENTITY_DOCUMENT" => &IDENTITY_DOCUMENT,
        "EMAIL" => &EMAIL_CHANNEL,
        "DOCUMENT_NUMBER" => &DOCUMENT_NUMBER,
        "DOCUMENT_PICTURE" => &DOCUMENT_PICTURE,
        "PICTURE_READING" => &PICTURE_READING,
        "PASSPORT" => &PASSPORT,
        "IDENTITY_CARD" => &IDENTITY_CARD,
        "customer_record" => &CUSTOMER_RECORD,
        "typed_by_signer" => &TYPED_BY_SIGNER,
        "agent_checked" => &AGENT_CHECKED,
        "pen" => &PEN,
        "touch" => &TOUCH,
        "mouse" => &MOUSE,
        "WHATSAPP" => return "WhatsApp".to_owned(),
        other => return other.to_owned(),
    };
    phrase.say(language).to_owned()
}

/// The words for a figure of a signature by hand, or for what is poor in it; what is not known here stays as it is.
pub(super) fn figure(name: &str, language: Language) -> &str {
    let phrase = match name {
        "strokes" => &STROKES,
        "points" => &POINTS,
        "distinct_positions" => &DISTINCT_POSITIONS,
        "duration" => &DURATION,
        "width" => &WIDTH,
        "height" => &HEIGHT,
        "width_of_pad" => &WIDTH_OF_PAD,
        "height_of_pad" => &HEIGHT_OF_PAD,
        "size" => &SIZE,
        "spread" => &SPREAD,
        "length_of_diagonal" => &LENGTH_OF_DIAGONAL,
        "turning" => &TURNING,
        "rate" => &RATE,
        "gaps" => &GAPS,
        "speed_variation" => &SPEED_VARIATION,
        "few_positions" => &FEW_POSITIONS,
        "short" => &SHORT,
        "nearly_a_line" => &NEARLY_A_LINE,
        "low_rate" => &LOW_RATE,
        "even_speed" => &EVEN_SPEED,
        "no_pressure" => &NO_PRESSURE,
        other => return other,
    };
    phrase.say(language)
}

/// The words for what happened.
pub(super) fn action(action: &Action, language: Language) -> &str {
    let phrase = match action {
        Action::ProcessCreated => &PROCESS_CREATED,
        Action::IdentificationCreated => &IDENTIFICATION_CREATED,
        Action::CodeRequested => &CODE_REQUESTED,
        Action::CodeSent => &CODE_SENT,
        Action::CodeDelivered => &CODE_DELIVERED,
        Action::CodeNotDelivered => &CODE_NOT_DELIVERED,
        Action::CodeDeliveryUnknown => &CODE_DELIVERY_UNKNOWN,
        Action::CodeRerouted => &CODE_REROUTED,
        Action::NoticeSent => &NOTICE_SENT,
        Action::NoticeNotSent => &NOTICE_NOT_SENT,
        Action::WrongAnswer => &WRONG_ANSWER,
        Action::NumberChecked => &NUMBER_CHECKED,
        Action::CodeRefused => &CODE_REFUSED,
        Action::ContactChecked => &CONTACT_CHECK,
        Action::AgentVouched => &AGENT_VOUCHED,
        Action::DocumentSubmitted => &DOCUMENT_SUBMITTED,
        Action::ScoringDelegated => &SCORING_DELEGATED,
        Action::DocumentScored => &DOCUMENT_SCORED,
        Action::DocumentNotScored => &DOCUMENT_NOT_SCORED,
        Action::DocumentNotPassed => &DOCUMENT_NOT_PASSED,
        Action::IdentificationValidated => &IDENTIFICATION_VALIDATED,
        Action::IdentificationSucceeded => &IDENTIFICATION_SUCCEEDED,
        Action::IdentificationFailed => &IDENTIFICATION_FAILED,
        Action::IdentificationExpired => &IDENTIFICATION_EXPIRED,
        Action::IdentificationCancelled => &IDENTIFICATION_CANCELLED,
        Action::DocumentsShown => &SHOWN,
        Action::Signed => &SIGNED_BY,
        Action::ProcessSigned => &PROCESS_SIGNED,
        Action::DocumentSealed => &DOCUMENT_SEALED,
        Action::ProcessCertified => &PROCESS_CERTIFIED,
        Action::ProcessCancelled => &PROCESS_CANCELLED,
        Action::SignatureDeclined => &SIGNATURE_DECLINED,
        Action::LinkRenewed => &LINK_RENEWED,
        Action::LinkSentAgain => &LINK_SENT_AGAIN,
        Action::HandedOver => &HANDED_OVER,
        Action::ActedByHand => &ACTED_BY_HAND,
        Action::ProvedAgain => &PROVED_AGAIN,
        Action::ProcessExpired => &PROCESS_EXPIRED,
        Action::ProcessFailed => &PROCESS_FAILED,
        Action::Other(text) => return text,
    };
    phrase.say(language)
}

/// Puts the values where the phrase has `{}`, in order.
pub(super) fn fill(phrase: &Phrase, language: Language, values: &[&str]) -> String {
    let mut values = values.iter();
    let mut parts = phrase.say(language).split("{}");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(values.next().copied().unwrap_or_default());
        text.push_str(part);
    }
    text
}

/// What the operator of a phone said, in one line.
pub(super) fn number_check(check: &NumberCheck, language: Language) -> String {
    let question = match check.check.as_str() {
        "SIM_SWAP" => SIM_SWAP.say(language),
        "NUMBER_VERIFICATION" => NUMBER_VERIFICATION.say(language),
        "KYC_MATCH" => KYC_MATCH.say(language),
        other => other,
    };
    let outcome = match check.outcome.as_str() {
        "PASSED" => NO_OBJECTION.say(language),
        "FAILED" => OBJECTION.say(language),
        "UNANSWERED" => UNANSWERED.say(language),
        other => other,
    };
    let question = match check.max_age_hours {
        Some(hours) => format!("{question} ({hours} h)"),
        None => question.to_owned(),
    };
    let told = fill(&NUMBER_CHECKS, language, &[&question, outcome]);
    check.detail.as_ref().map_or(told.clone(), |detail| format!("{told} – {detail}"))
}

/// What of a document is more than pages, in one line; empty where there is nothing of it, or it is not known.
pub(super) fn active_content(content: Option<ActiveContent>, language: Language) -> String {
    let content = content.unwrap_or_default();
    let counted = [
        (&JAVASCRIPT, content.javascript),
        (&LAUNCH_ACTIONS, content.launch_actions),
        (&EMBEDDED_FILES, content.embedded_files),
        (&MULTIMEDIA, content.multimedia),
    ];
    let there = counted.into_iter().filter(|(_, count)| *count > 0);
    let mut told: Vec<String> = there.map(|(phrase, count)| fill(phrase, language, &[&count.to_string()])).collect();
    told.extend(content.xfa.then(|| XFA_FORM.say(language).to_owned()));
    if told.is_empty() { String::new() } else { format!("{} – {}", ACTIVE_CONTENT.say(language), told.join(" · ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Typeface;

    #[test]
    fn every_phrase_is_there_in_every_language_and_can_be_drawn() {
        let face = Typeface::NotoSansBold.face();
        for phrase in EVERY {
            for language in Language::ALL {
                let text = phrase.say(language);
                assert!(!text.trim().is_empty());
                assert_eq!(text, super::super::font::clean(text));
                assert!(text.chars().all(|character| face.glyph(character).is_some()), "{text}");
                let holes = |text: &str| text.matches("{}").count();
                assert_eq!(holes(text), holes(phrase.say(Language::En)), "{text}");
            }
        }
    }

    #[test]
    fn a_language_is_read_from_the_contracts_words() {
        assert_eq!(Language::parse("EU"), Some(Language::Eu));
        assert_eq!(Language::parse("de"), Some(Language::De));
        assert_eq!(Language::parse("UNDEFINED"), None);
        for language in Language::ALL {
            let written = serde_json::to_string(&language).unwrap();
            assert_eq!(Language::parse(written.trim_matches('"')), Some(language));
            assert_eq!(Language::ALL[language as usize], language);
        }
    }

    #[test]
    fn an_unknown_word_stays_as_it_is() {
        assert_eq!(word("SIGNED", Language::De), "Signiert");
        assert_eq!(word("SOMETHING_NEW", Language::De), "SOMETHING_NEW");
        assert_eq!(action(&Action::Other("Replayed".to_owned()), Language::Es), "Replayed");
    }

    #[test]
    fn holes_are_filled_in_order() {
        assert_eq!(fill(&PAGE_OF, Language::En, &["2", "7"]), "Page 2 of 7");
        assert_eq!(fill(&PAGES, Language::De, &["3"]), "3 Seiten");
    }

    #[test]
    fn active_content_is_told_where_there_is_some() {
        let content = ActiveContent { javascript: 2, embedded_files: 1, xfa: true, ..ActiveContent::default() };
        let told = active_content(Some(content), Language::En);
        assert_eq!(told, "Active content – JavaScript: 2 · embedded files: 1 · XFA form");
        for language in Language::ALL {
            assert!(active_content(Some(content), language).starts_with(ACTIVE_CONTENT.say(language)));
            assert_eq!(active_content(Some(ActiveContent::default()), language), "");
        }
        assert_eq!(active_content(None, Language::En), "");
    }
}
