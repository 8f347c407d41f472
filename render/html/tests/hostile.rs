//! What engines leave out without a word, and what strangers send: each trap that was found is a test. Documents are made by the engine and
//! their text is read again.

use html::{Engine, Failure, Job, Kind, Pdf, Problem, Profile, Renderer, Source, Target};
use serde_json::{Value, json};

fn source(template: &str) -> Source {
    Source { template: template.into(), structure: json!({}), language: "ES".into(), target: Target::default() }
}

fn job(template: &str, data: Value) -> Job {
    Job { source: source(template), data, title: "Título".into(), created: 1_767_609_000 }
}

fn rendered(job: &Job) -> Result<Pdf, Failure> {
    Renderer::new(&[]).render(job)
}

fn pdf(template: &str) -> Pdf {
    rendered(&job(template, json!({}))).unwrap_or_else(|failure| panic!("{template}: {failure:?}"))
}

fn failure(template: &str) -> Failure {
    rendered(&job(template, json!({}))).err().unwrap_or_else(|| panic!("accepted: {}", &template[..template.len().min(200)]))
}

fn refused(template: &str, kind: Kind, words: &str) {
    let failure = failure(template);
    assert_eq!(failure.kind, kind, "{failure:?}");
    assert!(failure.problem.message.contains(words), "{words}: {failure:?}");
}

/// The text of all pages, without line ends and doubled spaces.
fn text(pdf: &Pdf) -> String {
    let document = lopdf::Document::load_mem(&pdf.bytes).unwrap();
    let pages: Vec<u32> = document.get_pages().keys().copied().collect();
    document.extract_text(&pages).unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The names of its fonts, without the marks of subsets.
fn fonts(pdf: &Pdf) -> Vec<String> {
    let document = lopdf::Document::load_mem(&pdf.bytes).unwrap();
    let mut names: Vec<String> = document
        .objects
        .values()
        .filter_map(|object| object.as_dict().ok())
        .filter(|dictionary| dictionary.has_type(b"FontDescriptor"))
        .map(|descriptor| String::from_utf8_lossy(descriptor.get(b"FontName").unwrap().as_name().unwrap()).into_owned())
        .map(|name| name.split_once('+').map_or(name.clone(), |(_, name)| name.to_owned()))
        .collect();
    names.sort();
    names
}

fn contains(pdf: &Pdf, needle: &[u8]) -> bool {
    pdf.bytes.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn text_in_any_family_is_shown() {
    for template in [
        "<p>Visible",
        "<p style='font-family:Arial'>Visible",
        "<p style='font-family:Arial !important'>Visible",
        "<p style='font:12pt Georgia!important'>Visible",
        "<p style='all:initial'>Visible",
        "<font face='Comic Sans MS'>Visible</font>",
        "<style>p{font-family:sans-serif}</style><p>Visible",
        "<style>*{font-family:serif!important}</style><p>Visible",
        "<style>p{f\\6fnt-family:x}</style><p>Visible",
        "<style>@font-face{font-family:X;src:local(Arial)}p{font-family:X}</style><p>Visible",
        "<style>:root{--f:Arial}p{font-family:var(--f)}</style><p>Visible",
        "<style>p::before{content:'Visible';font-family:Arial}</style><p>x",
        "<style>@page{@top-center{content:'Visible'}}</style><p>x",
        "<style>@page{@top-center{content:'Visible';font-family:Arial}}</style><p>x",
        "<style>p{position:running(h);font-family:Arial}@page{margin:3cm;@top-left{content:element(h)}}</style><p>Visible</p><div>x</div>",
        "<pre>Visible</pre>",
        "<code>Visible</code>",
        "<h1>Visible</h1>",
        "<b><i>Visible</i></b>",
        "<table><caption>Visible</caption><tr><th>x</table>",
        "<noscript>Visible</noscript><p>x",
    ] {
        assert!(text(&pdf(template)).contains("Visible"), "{template}");
    }
}

#[test]
fn pages_have_the_size_that_the_author_says() {
    let size = |pdf: &Pdf| {
        let document = lopdf::Document::load_mem(&pdf.bytes).unwrap();
        let page = document.page_iter().next().unwrap();
        let page = document.get_dictionary(page).unwrap();
        let numbers = page.get(b"MediaBox").unwrap().as_array().unwrap();
        [numbers[2].as_float().unwrap().round(), numbers[3].as_float().unwrap().round()]
    };
    for engine in [Engine::Fulgur, Engine::Ironpress] {
        let of = |template: &str| {
            let mut job = job(template, json!({}));
            job.source.target.engine = engine;
            size(&rendered(&job).unwrap())
        };
        assert_eq!(of("<p>a"), [595.0, 842.0], "{engine:?}: A4");
        assert_eq!(of("<style>@page{size:A4 landscape;margin:10mm}</style><p>a"), [842.0, 595.0], "{engine:?}");
    }
}

#[test]
fn bold_and_italic_have_faces_of_their_own() {
    let pdf = pdf("<p>a <b>b</b> <i>c</i> <b><i>d</i></b> <code>e</code>");
    assert_eq!(
        fonts(&pdf),
        ["NotoSans-Bold", "NotoSans-BoldItalic", "NotoSans-Italic", "NotoSans-Regular", "NotoSansMono-Regular"]
    );
}

#[test]
fn text_can_be_read_again() {
    for words in [
        "firma oficina final flujo afluente offset",
        "¿Cuándo? España, pingüino, año, 1.234,56 €",
        "urtarrilaren 5(a), iraila, ñ",
        "xuño, mércores, ácido",
        "l·l, àéèíòóúïüç, d’abril",
        "Straße, Größe, Äpfel, „Öl“",
        "Ωμέγα Жизнь Łódź",
    ] {
        assert!(text(&pdf(&format!("<p>{words}"))).contains(words), "{words}");
        assert!(text(&pdf(&format!("<p><b>{words}</b>"))).contains(words), "bold {words}");
    }
}

#[test]
fn bullets_and_numbers_of_lists_are_shown() {
    let text = text(&pdf("<ul><li>a<li>b<ul><li>c</ul></ul><ol><li>d<li>e</ol><ul style='list-style:inside square'><li>f</ul>"));
    for marker in ["•", "◦", "▪", "1.", "2."] {
        assert!(text.contains(marker), "{marker}: {text}");
    }
}

#[test]
fn a_document_of_which_nothing_is_shown_is_no_document() {
    refused("<p style='display:none'>a", Kind::Engine, "none of the document's text is shown");
    assert_eq!(pdf("<p></p>").pages, 1, "an empty one is");
}

/// The lowest line of text of all pages, in points from the bottom.
fn lowest_text(pdf: &Pdf) -> f32 {
    let document = lopdf::Document::load_mem(&pdf.bytes).unwrap();
    let mut lowest = f32::MAX;
    for page in document.page_iter() {
        let content = lopdf::content::Content::decode(&document.get_page_content(page)).unwrap();
        // Where lines begin: the matrices of text are those of pages here, with y upwards.
        let number = |operand: &lopdf::Object| operand.as_float().unwrap();
        let (mut height, mut stack, mut y) = (0.0, Vec::new(), (0.0, 1.0));
        for operation in &content.operations {
            match (operation.operator.as_str(), operation.operands.as_slice()) {
                ("q", _) => stack.push(y),
                ("Q", _) => y = stack.pop().unwrap(),
                ("cm", [_, _, _, d, _, f]) => y = (y.0 + y.1 * number(f), y.1 * number(d)),
                ("Tm", [_, _, _, _, _, f]) => height = y.0 + y.1 * number(f),
                ("Tj" | "TJ", _) => lowest = lowest.min(height),
                _ => {}
            }
        }
    }
    lowest
}

#[test]
fn short_blocks_are_not_drawn_over_the_margin() {
    for block in [
        "<ul><li>uno<li>dos</ul>",
        "<div><p>uno</p><p>dos</p></div>",
        "<section><h2>uno</h2><p>dos</p></section>",
        "<table><tr><td>uno</td></tr></table>",
    ] {
        for height in (600..690).step_by(6) {
            let filled = format!("<style>@page{{margin:25mm}}</style><div style='height:{height}pt'>x</div>{}", block.repeat(4));
            let lowest = lowest_text(&pdf(&filled));
            assert!((70.0..800.0).contains(&lowest), "{block} after {height} pt: {lowest}");
        }
    }
}

#[test]
fn the_same_job_is_the_same_file() {
    let image =
        "{{qr \"https://example.com\" width=\"2cm\"}}<svg width=10 height=10><rect width=10 height=10 /></svg><p>a<b>b</b>";
    for engine in [Engine::Fulgur, Engine::Ironpress] {
        let mut job = job(image, json!({}));
        job.source.target.engine = engine;
        let mut renderer = Renderer::new(&[]);
        let first = renderer.render(&job).unwrap();
        assert_eq!(renderer.render(&job).unwrap(), first);
        assert_eq!(rendered(&job).unwrap(), first);
    }
}

#[test]
fn values_of_data_are_text() {
    let data = json!({ "v": "</p><h1>x</h1><script>1</script>{{y}}" });
    let pdf = rendered(&job("<p>{{v}}</p><p title=\"{{v}}\">b", data)).unwrap();
    assert!(text(&pdf).contains("</p><h1>x</h1><script>1</script>{{y}}"), "{}", text(&pdf));
}

#[test]
fn html_of_data_is_prepared_like_the_templates() {
    let with = |terms: &str| {
        let mut job = job("<div>{{{TERMS}}}</div>", json!({ "TERMS": terms }));
        job.source.structure = json!({ "properties": { "TERMS": { "type": "string", "format": "html" } } });
        rendered(&job)
    };
    assert!(text(&with("<b>Cláusula</b><script>x</script>").unwrap()).contains("Cláusula"));
    assert_eq!(with("<img src='http://x/y.png'>").unwrap_err().kind, Kind::Template);
    assert_eq!(with(&"<b>".repeat(1_000)).unwrap_err().kind, Kind::Limits);
    assert_eq!(with("中").unwrap_err().kind, Kind::Glyphs);
}

#[test]
fn optional_variables_may_be_absent_and_others_are_named() {
    let mut job = job("<p>{{NAME}}{{#each LIST}}{{this}}{{/each}}{{OBJECT.A}}x", json!({ "NAME": "n" }));
    job.source.structure = json!({
        "required": ["NAME"],
        "properties": { "NAME": {}, "LIST": { "type": "array" }, "OBJECT": { "type": "object", "properties": { "A": {} } } },
    });
    assert!(text(&rendered(&job).unwrap()).contains("nx"));
    job.data = json!({ "LIST": null, "OBJECT": null });
    let failure = rendered(&job).unwrap_err();
    assert_eq!((failure.kind, failure.problem.message.as_str()), (Kind::Data, "Template variable 'NAME' missing in payload."));
    job.data = json!([]);
    assert_eq!(rendered(&job).unwrap_err().kind, Kind::Data);
}

#[test]
fn nothing_is_fetched() {
    for template in [
        "<img src='http://127.0.0.1:1/a.png'>",
        "<img src='file:///etc/hostname'>",
        "<img src='/etc/hostname'>",
        "<link rel=stylesheet href='file:///etc/hostname'><p>a",
        "<style>@import url(http://127.0.0.1:1/)</style><p>a",
        "<style>p{background:url(file:///etc/hostname)}</style><p>a",
        "<iframe src='http://127.0.0.1:1/'></iframe>",
        "<object data='file:///etc/hostname'></object>",
        "<svg><image href='file:///etc/hostname'/></svg>",
    ] {
        assert_eq!(failure(template).kind, Kind::Template, "{template}");
    }
    // What is only a link stays one.
    assert!(contains(&pdf("<p><a href='https://example.com/x'>a</a>"), b"https://example.com/x"));
    assert!(!contains(&pdf("<p><a href='file:///etc/hostname'>a</a><a href='javascript:x'>b</a>"), b"hostname"));
}

#[test]
fn templates_that_break_compilers_are_refused() {
    for (template, words) in [
        ("{{#*inline \"a\"}}{{> a}}{{/inline}}{{> a}}".to_owned(), "partials"),
        (format!("{{{{add 1 {}1{}}}}}", "(add 1 ".repeat(5_000), ")".repeat(5_000)), "parentheses"),
        (format!("{}{}", "{{#if a}}".repeat(20_000), "{{/if}}".repeat(20_000)), "blocks"),
        ("<td>{{x}}</td>".repeat(50_000), "expressions"),
        ("{{log x}}".to_owned(), "log"),
        ("<style>p{color:{{x}}}</style>".to_owned(), "{{css x}}"),
        ("{{{x}}}".to_owned(), "raw HTML"),
        ("{{read_to_str \"/etc/hostname\"}}".to_owned(), "unknown helper 'read_to_str'"),
        ("{{#if a}}".to_owned(), ""),
    ] {
        let failure = failure(&template);
        assert_eq!(failure.kind, Kind::Template, "{failure:?}");
        assert!(failure.problem.message.contains(words), "{words}: {failure:?}");
        assert!(html::check(&source(&template)).is_err());
    }
}

#[test]
fn documents_beyond_the_engines_strength_are_refused() {
    refused(&"<div>".repeat(10_000), Kind::Limits, "within each other");
    refused(&"<table><tr><td>".repeat(200), Kind::Limits, "within each other");
    refused(&format!("<p>{}", "<i>a</i>".repeat(90_000)), Kind::Limits, "inline elements");
    refused("<div style='height:100000000px'>a</div>", Kind::Template, "too large");
    refused("<style>div{margin-left:1e30mm}</style><div>a</div>", Kind::Template, "too large");
    refused(&"<p style='break-after:page'>a</p>".repeat(600), Kind::Limits, "pages, the maximum is 500");
    assert_eq!(pdf(&"<p style='break-after:page'>a</p>".repeat(40)).pages, 40);
}

#[test]
fn unusual_documents_are_made() {
    for template in [
        format!("<p>{}", "x".repeat(100_000)),
        format!("<style>{}</style><p>a", (0..2_000).map(|i| format!(".a{i} b{{color:red}}")).collect::<String>()),
        "<p style='width:calc(0px/0);font-size:0'>a</p><p>b".to_owned(),
        "<table><tr><td colspan=100000 rowspan=100000>a".to_owned(),
        "<div style='display:grid;grid-template-columns:repeat(200,1fr)'><p>a</div>".to_owned(),
        "<p>a<br><hr><wbr>&#0;&#xD800;&nbsp;</p".to_owned(),
        "<svg><g id=a><use href='#a'/></g></svg><p>a".to_owned(),
        "a".to_owned(),
    ] {
        let result = rendered(&job(&template, json!({})));
        assert!(result.as_ref().is_ok_and(|pdf| pdf.pages >= 1), "{}: {result:?}", &template[..template.len().min(80)]);
    }
}

#[test]
fn characters_without_a_glyph_fail_by_name() {
    refused("<p>姓名", Kind::Glyphs, "no glyph for U+");
    let failure = rendered(&job("<p>{{NAME}}", json!({ "NAME": "a中" }))).unwrap_err();
    assert_eq!(failure.kind, Kind::Glyphs);
    assert!(failure.problem.message.starts_with("no glyph for U+4E2D"), "{failure:?}");
    assert!(text(&pdf("<p>שלום ✓ ქართული")).contains('✓'));
}

#[test]
fn images_of_data_are_in_the_document() {
    let png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==";
    let uri = format!("data:image/png;base64,{png}");
    for template in [
        "<img src=\"{{LOGO}}\">",
        "{{image LOGO width=\"2cm\"}}",
        "<div style='height:2cm;background:url(\"data:image/png;base64,PNG\")'></div>",
    ] {
        let template = template.replace("PNG", png);
        let pdf = rendered(&job(&template, json!({ "LOGO": uri }))).unwrap();
        assert!(contains(&pdf, b"/Subtype/Image") || contains(&pdf, b"/Subtype /Image"), "{template}");
    }
    let failure = rendered(&job("<img src=\"{{LOGO}}\">", json!({ "LOGO": "data:image/png;base64,AAAA" }))).unwrap_err();
    assert!(failure.problem.message.contains("neither PNG nor JPEG"), "{failure:?}");
}

#[test]
fn an_upload_is_judged_with_samples_of_its_schema() {
    let mut source = source("<p>{{NAME}}{{#each LINES}}{{date DAY}}{{nope}}{{/each}}");
    source.structure = json!({
        "properties": { "NAME": { "type": "string" }, "LINES": { "type": "array", "items": { "properties": { "DAY": { "type": "string" } } } } },
    });
    let problems = html::check(&source).unwrap_err();
    let missing = Problem { line: Some(1), column: Some(40), message: "Template variable 'nope' missing in payload.".into() };
    assert_eq!((problems.len(), &problems[0].message), (1, &missing.message));
    source.template = "<p>{{NAME}}{{#each LINES}}{{date DAY}}{{/each}}{{#if NAME}}<b>{{NAME}}</b>{{/if}}".into();
    assert_eq!(html::check(&source), Ok(()));
    source.template = "<p>{{#if NAME}}{{else}}中{{/if}}".into();
    assert!(html::check(&source).unwrap_err()[0].message.contains("U+4E2D"), "the least of the data is tried too");
    source.template = b"\xff".to_vec();
    assert!(html::check(&source).unwrap_err()[0].message.contains("UTF-8"));
}

#[test]
fn profiles_are_what_the_engine_gives() {
    let template = "<h1>Contrato</h1><p>Texto con <a href='https://example.com'>enlace</a></p><ul><li>uno</ul><table><tr><th>a<tr><td>b</table>";
    let with = |profile, engine| {
        let mut job = job(template, json!({}));
        job.source.target = Target { engine, profile };
        rendered(&job)
    };
    let accessible = with(Profile::PdfUa1, Engine::Fulgur).unwrap();
    assert!(contains(&accessible, b"pdfuaid") && contains(&accessible, b"/StructTreeRoot"));
    let archive = with(Profile::PdfA3, Engine::Fulgur).unwrap();
    assert!(contains(&archive, b"pdfaid:part>3<") && contains(&archive, b"/OutputIntents"));
    for profile in [Profile::PdfUa1, Profile::PdfA3] {
        let failure = with(profile, Engine::Ironpress).unwrap_err();
        assert!(failure.problem.message.contains("use fulgur"), "{failure:?}");
    }
    assert!(with(Profile::Plain, Engine::Ironpress).is_ok());
    // What the engine cannot have in a profile is said, and why.
    let picture = |template: &str, profile| {
        let mut job = job(template, json!({}));
        job.source.target.profile = profile;
        rendered(&job)
    };
    picture("<h1>a</h1>{{qr \"x\" alt=\"a code\"}}<p>a", Profile::PdfUa1).unwrap();
    for (template, words) in [("<h1>a</h1>{{qr \"x\"}}", "no alternative text"), ("<p>a", "no heading")] {
        let failure = picture(template, Profile::PdfUa1).unwrap_err();
        assert_eq!(failure.kind, Kind::Template);
        assert!(failure.problem.message.contains(words), "{failure:?}");
    }
    let archive = picture("<style>img{width:3cm}</style>{{qr \"x\" alt=\"a code\"}}<p>a", Profile::PdfA3).unwrap();
    assert!(contains(&archive, b"/Image"), "images are in archives too");
    assert!(picture("<svg width=9 height=9><rect width=9 height=9 /></svg><p>a", Profile::PdfA3).is_ok());
}

#[test]
fn the_second_engine_gets_the_same_preparation() {
    let with = |template: &str| {
        let mut job = job(template, json!({}));
        job.source.target.engine = Engine::Ironpress;
        rendered(&job)
    };
    let pdf = with("<style>p{font-family:Arial;border-bottom:1px solid #ccc}</style><p>firma oficina <b>año</b></p>{{qr \"x\" width=\"2cm\"}}").unwrap();
    assert!(text(&pdf).contains("oficina"), "{}", text(&pdf));
    let fonts = fonts(&pdf);
    assert!(fonts.iter().all(|name| name.starts_with("NotoSans")), "only our own: {fonts:?}");
    assert_eq!(with("<img src='file:///etc/hostname'>").unwrap_err().kind, Kind::Template);
    assert_eq!(with(&"<div>".repeat(10_000)).unwrap_err().kind, Kind::Limits);
    assert_eq!(with("<p>中").unwrap_err().kind, Kind::Glyphs);
    assert!(with("<ol style='list-style-type:lower-roman'><li>a</ol>").is_ok(), "it has numbers that the first one lacks");
}

#[test]
fn engine_versions_name_an_engine_and_a_profile() {
    for (version, engine, profile) in [
        ("3.12", Engine::Fulgur, Profile::Plain),
        ("", Engine::Fulgur, Profile::Plain),
        ("fulgur 0.41", Engine::Fulgur, Profile::Plain),
        ("Ironpress", Engine::Ironpress, Profile::Plain),
        ("ironpress-1.7", Engine::Ironpress, Profile::Plain),
        (" ironpress/1.7.0", Engine::Ironpress, Profile::Plain),
        ("ironpressed", Engine::Fulgur, Profile::Plain),
        ("3.12 pdf-a", Engine::Fulgur, Profile::PdfA3),
        ("PDF-UA", Engine::Fulgur, Profile::PdfUa1),
        ("ironpress 1.7 pdf-a", Engine::Ironpress, Profile::PdfA3),
        ("3.12-pdf-a", Engine::Fulgur, Profile::Plain),
    ] {
        assert_eq!(Target::of(version), Target { engine, profile }, "{version}");
    }
}

#[test]
fn a_template_is_checked_for_its_profile() {
    let checked = |template: &str, engine_version: &str| {
        let structure = json!({ "type": "object", "properties": { "TITLE": { "type": "string" } } });
        let source = Source { target: Target::of(engine_version), structure, ..source(template) };
        html::check(&source).map_err(|problems| problems[0].to_string())
    };
    assert_eq!(checked("<h1>a</h1><p>b", "3.12 pdf-ua"), Ok(()));
    assert_eq!(checked("<h1>{{TITLE}}</h1><p>b", "3.12 pdf-ua"), Ok(()), "an empty title is no fault of the template");
    assert!(checked("<p>b", "3.12 pdf-ua").unwrap_err().contains("no heading"));
    assert_eq!(checked("<p>b", "3.12 pdf-a"), Ok(()));
    assert!(checked("<p>b", "ironpress pdf-a").unwrap_err().contains("use fulgur"));
}

#[test]
fn a_problem_is_told_with_its_place() {
    let told = |line, column| Problem { line, column, message: "unknown helper `dat`".into() }.to_string();
    assert_eq!(told(Some(3), Some(7)), "line 3, column 7: unknown helper `dat`");
    assert_eq!(told(Some(3), None), "line 3: unknown helper `dat`");
    assert_eq!(told(None, None), "unknown helper `dat`");
}
