#!/usr/bin/env bash
# Installs what the tests need and runs them all: those of the workspace, then validators of others on what we sign.
#
#   ./tests/all.sh
#
# Safe to run again. Quiet where things are fine: each step prints its name and its time, and its output only when it fails.
#   RUBRICA_TARGET_DIR  where to build, unless CARGO_TARGET_DIR says it; default ~/.cache/rubrica/target
#   RUBRICA_JOBS        compilers at once; default: one per processor
#   RUBRICA_TEST_CQL    a running CQL server (ScyllaDB, Cassandra) as host:port; default: one is started for the tests
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
cache="${XDG_CACHE_HOME:-$HOME/.cache}/rubrica"
venv="$cache/venv"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${RUBRICA_TARGET_DIR:-$HOME/.cache/rubrica/target}}"
if [ -n "${RUBRICA_JOBS:-}" ]; then export CARGO_BUILD_JOBS="$RUBRICA_JOBS"; fi
mkdir -p "$cache" "$CARGO_TARGET_DIR"
work="$(mktemp -d)"
cql_server=""
end() {
    abandon
    if [ -n "$cql_server" ]; then kill "$cql_server" 2>/dev/null && wait "$cql_server" || true; fi
    rm -rf "$work"
}
trap end EXIT

. tests/steps.sh

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# The CQL server runs on Java 17, not on a later one.
java_17() {
    local java
    for java in "${JAVA_HOME:-}/bin/java" "$(command -v java || true)" /usr/lib/jvm/*/bin/java; do
        [ -x "$java" ] && "$java" -version 2>&1 | grep -q 'version "17' && return
    done
    return 1
}

# Commands that are missing, by the package that brings them.
system_tools() {
    local missing=()
    command -v qpdf >/dev/null || missing+=(qpdf)
    command -v pdfsig >/dev/null || missing+=(poppler-utils)
    command -v mutool >/dev/null || missing+=(mupdf-tools)
    command -v openssl >/dev/null || missing+=(openssl)
    command -v python3 >/dev/null || missing+=(python3)
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
    command -v cc >/dev/null || missing+=(gcc libc6-dev)
    command -v go >/dev/null || missing+=(golang-go)
    command -v make >/dev/null || missing+=(make)
    java_17 || missing+=(openjdk-17-jre-headless)
    command -v javac >/dev/null || missing+=(openjdk-17-jdk-headless)
    command -v mvn >/dev/null || missing+=(maven)
    command -v npm >/dev/null || missing+=(nodejs npm)
    command -v chromium-headless-shell >/dev/null || missing+=(chromium-headless-shell)
    [ ${#missing[@]} = 0 ] && return
    command -v apt-get >/dev/null || { echo "please install: ${missing[*]}"; return 1; }
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

python_tools() {
    local imports='import pyhanko, pyhanko_certvalidator, moto.server, numpy, pikepdf, PIL, pypdfium2, schemathesis, joserfc'
    "$venv/bin/python" -c "$imports" 2>/dev/null && return
    python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check 'pyhanko>=0.38,<0.40' 'moto[server]>=5.1,<6' \
        'numpy>=2,<3' 'pikepdf>=10,<11' 'pillow>=12' 'pypdfium2>=5,<6' 'schemathesis==4.32.5' \
        'joserfc>=1.8,<2'
    "$venv/bin/python" -c "$imports"
}

# What builds and tests the pages; `npm` keeps what it fetched in its own cache.
page_tools() {
    (cd pages && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --silent --ignore-scripts)
}

# What browsers run is what its sources say: built once more, nothing changes.
pages_are_fresh() {
    (cd pages && npx tsc --noEmit && node build.mjs)
    git diff --exit-code pages/dist
    [ -z "$(git ls-files --others --exclude-standard pages/dist)" ]
}

# Fonts for scripts that the program has none for, unpacked and not installed.
fonts="$cache/fonts"
script_fonts() {
    [ -e "$fonts/complete" ] && return
    command -v apt-get >/dev/null || { echo "please unpack fonts-noto-core and fonts-noto-cjk (Debian) into $fonts"; return 1; }
    rm -rf "$fonts" && mkdir -p "$fonts"
    (cd "$fonts" && apt-get download -qq fonts-noto-core fonts-noto-cjk)
    local package
    for package in "$fonts"/*.deb; do dpkg-deb -x "$package" "$fonts" && rm "$package"; done
    touch "$fonts/complete"
}

of_workspace=(--workspace --locked --features documents/fixtures,store/conformance)

build_tests() {
    cargo test --quiet --no-run "${of_workspace[@]}"
}

workspace_tests() {
    cargo test --quiet --no-fail-fast "${of_workspace[@]}"
}

# What shaping does with fonts that are found.
font_tests() {
    RUBRICA_TEST_FONTS="$fonts" cargo test --quiet "${of_workspace[@]}" --lib -- --ignored text::tests::folder_
}

# What is run over HTTP, and under kills, once more, each server on a keyspace instead of the embedded store.
tests_on_cql() {
    RUBRICA_TEST_STORE=cql cargo test --quiet --no-fail-fast "${of_workspace[@]}" --test http --test delivery --test crash
}

# The build above has made these; asking cargo again would build much of it anew with other features.
built="$CARGO_TARGET_DIR/debug"

cql_jars() {
    "$built/cql-server" --resolve
}

# One server for all the suites. It ends when its input closes: with this script at the latest, however that ends.
start_cql() {
    mkfifo "$work/cql.input"
    exec 9<>"$work/cql.input"
    "$built/cql-server" <"$work/cql.input" >"$work/cql.address" 2>"$work/cql.errors" 9>&- &
    cql_server=$!
}

await_cql() {
    local tries
    for tries in $(seq 1200); do
        grep -q '^RUBRICA_TEST_CQL=' "$work/cql.address" && return
        kill -0 "$cql_server" 2>/dev/null || break
        sleep 0.1
    done
    echo "the CQL server does not answer after $((tries / 10)) s"
    cat "$work/cql.errors"
    return 1
}

# The pages in a browser, against the program.
pages_in_a_browser() {
    tests/pages/run "$built/rubrica"
}

# Each line that the example prints is: file, root, number of signatures.
outside_samples() {
    "$built/examples/seal_sample" "$work/samples" >"$work/samples.list"
    [ -s "$work/samples.list" ] || { echo "no samples were made"; return 1; }
    local file root signatures
    while read -r file root signatures; do
        "$venv/bin/python" tests/outside/validate_signatures.py "$file" --root "$root" --signatures "$signatures"
    done <"$work/samples.list"
    "$venv/bin/python" tests/outside/by_hand.py "$work/samples"
}

# The certificate in six languages, signatures by hand in it, is PDF/A-3.
outside_certificates() {
    local language
    for language in ES EN CA EU GL DE; do
        "$built/examples/certificate_sample" "$work/certificate_$language.pdf" "$language"
    done | tests/outside/verapdf.sh 3b | tee "$work/certificates.log"
    [ "$(grep -cx conforms "$work/certificates.log")" = 6 ]
}

# Whole processes, from the upload to the certificate, and of a contract that is filled first: all signers have sealed, with and without a
# signature by hand.
outside_demo() {
    local out
    run_demo() {
        out="$work/$1"
        shift
        "$built/rubrica" demo --data "$out-data" --out "$out" "$@"
    }
    judge() {
        "$venv/bin/python" tests/outside/validate_signatures.py "$out/$1" --root "$out/development-root.pem" --signatures "$2"
        "$built/rubrica" verify "$out/$1" --root "$out/development-root.pem"
    }
    run_demo demo
    judge contract-signed.pdf 2
    judge contract-certificate.pdf 1
    judge rental-agreement-signed.pdf 1
    run_demo by-hand --biometric
    judge contract-signed.pdf 2
    judge contract-certificate.pdf 1
}

outside_scripts() {
    "$venv/bin/python" tests/outside/scripts.py "$built/examples/scripts_sample" "$fonts"
}

# A generator of `tests/outside`, for at most so many seconds; it and all that it started end then, and what they wrote goes with this script.
generator() {
    local seconds="$1" name="$2"
    shift 2
    TMPDIR="$work" timeout --kill-after=10 "$seconds" "$venv/bin/python" "tests/outside/$name.py" "$@" ||
        { echo "$name: exit status $? (124: not done after $seconds s)"; return 1; }
}

# Files that contradict themselves: refused, or the seal shows what the upload showed in three viewers.
outside_mutants() {
    generator 900 mutants --judge "$built/examples/judge" --count 2000
}

# The libraries come once, through Maven.
eu_dss() {
    timeout --kill-after=10 900 tests/outside/dss.sh --build
}

# Changes behind a signature that a viewer shows: told. pyHanko and EU DSS judge the same files.
outside_after_signing() {
    generator 900 after_signing --judge "$built/examples/judge" --count 500 --dss tests/outside/dss.sh | tee "$work/after_signing.log"
}

# B-B, B-T, B-LT, B-LTA, and one that was renewed twice after its certificates had ended.
outside_levels() {
    generator 300 levels --samples "$built/examples/levels_sample" --rubrica "$built/rubrica" --dss tests/outside/dss.sh
}

# Time and memory of sealing, verifying, filling and opening, within a budget of each file's size.
outside_hostile() {
    generator 900 hostile --judge "$built/examples/judge" --fill "$built/examples/fill" --count 2000
}

# Forms of other projects: fetched once, 300 MB.
outside_corpus() {
    timeout --kill-after=10 900 "$venv/bin/python" tests/outside/forms_corpus.py --least 350
}

# What is filled is sound, reads back, and looks as where other programs draw it.
outside_forms() {
    generator 900 forms --fill "$built/examples/fill" --count 100 | tee "$work/forms.log"
}

outside_form_scripts() {
    generator 300 forms_scripts --fill "$built/examples/fill"
}

# The libraries come once, through Maven.
verapdf() {
    timeout --kill-after=10 900 tests/outside/verapdf.sh --build
}

# The gallery of HTML templates, with both engines and both profiles.
outside_templates() {
    generator 300 templates --rubrica "$built/rubrica" --verapdf tests/outside/verapdf.sh
}

# The others are served while one organization uploads such files, and SIGTERM ends the server meanwhile.
outside_hostile_server() {
    generator 300 hostile_server --rubrica "$built/rubrica" --seconds 30
}

# The description that the server publishes says what the server does: every operation, all checks, always the same examples.
outside_description() {
    "$venv/bin/python" tests/outside/description.py --server "$built/rubrica"
}

# Receipts of consents, by a JOSE library of others.
outside_receipts() {
    generator 300 consent_receipts --rubrica "$built/rubrica"
}

step "system tools (viewers, python3, java, maven, node, chromium)" system_tools
step "python tools (pyHanko, moto, pikepdf, pdfium, schemathesis, joserfc)" python_tools
step "fonts for scripts that the program has none for" script_fonts
step "tools of the pages (esbuild, typescript, playwright)" page_tools
step "the pages, built anew" pages_are_fresh
step "build of the tests" build_tests
if [ -z "${RUBRICA_TEST_CQL:-}" ]; then
    step "jars of the CQL server" cql_jars
    start_cql
    step "a CQL server" await_cql
    export "$(cat "$work/cql.address")"
fi
step "tests of the workspace" workspace_tests
step "shaping with fonts that are found" font_tests
step "tests over HTTP and of kills, on a CQL server" tests_on_cql
step "the pages, in a browser" pages_in_a_browser
beside "the published description, by schemathesis" outside_description
step "sealed samples, by validators of others" outside_samples
step "the peer veraPDF" verapdf
step "certificates in six languages, by veraPDF" outside_certificates
step "processes of the demo, by validators of others" outside_demo
step "texts in 26 scripts, copied by two readers" outside_scripts
step "2,000 files that contradict themselves, in three viewers" outside_mutants
step "the peer EU DSS" eu_dss
step "500 changes behind signatures, with two peers" outside_after_signing
# Who tells of them.
sed -n '/^of .* that a viewer shows/,$ s/^/    /p' "$work/after_signing.log"
step "signed files of each level, by pyHanko and EU DSS" outside_levels
step "receipts of consents, by joserfc" outside_receipts
finish
step "2,000 hostile files, time and memory of each" outside_hostile
step "HTML templates of the gallery, by veraPDF and two viewers" outside_templates
step "real forms of other projects" outside_corpus
step "100 of them filled, by qpdf and three viewers" outside_forms
tail -1 "$work/forms.log" | sed 's/^/    /'
step "texts of many languages in a form" outside_form_scripts
step "hostile uploads to a server that others use" outside_hostile_server
