#!/usr/bin/env bash
# Runs a fuzz target of `targets.rs` with libFuzzer. Needs no nightly toolchain; a C++ compiler builds libFuzzer.
#
#   documents/fuzz/run.sh TARGET [SECONDS] [SEEDS ...]
#
# TARGET   form_file, form_objects, form_values or picture
# SECONDS  default 60
# SEEDS    folders of inputs to begin with, beside those of `seeds`; for form_file, forms of `tests/outside/forms_corpus.py` lie in ~/.cache/rubrica/corpus/pdfs
#
# What was found interesting stays in ~/.cache/rubrica/fuzz/TARGET. A crash is written to crash-... in the folder above; run the program with it to see it again,
# and keep it as a test of `documents`.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
target="$1" seconds="${2:-60}"
shift $(($# < 2 ? $# : 2))
cache="${XDG_CACHE_HOME:-$HOME/.cache}/rubrica"
kept="$cache/fuzz/$target"
mkdir -p "$kept"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$cache/target}"
host="$(rustc -vV | sed -n 's/^host: //p')"
# The counters that libFuzzer follows. `--target` keeps them out of build scripts.
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
coverage="$coverage -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
RUSTFLAGS="--cfg fuzzing $coverage" cargo build --quiet --locked --release --target "$host" --bin "$target"
seeds=()
[ -d "seeds/$target" ] && seeds+=("seeds/$target")
exec "$CARGO_TARGET_DIR/$host/release/$target" "$kept" "${seeds[@]}" "$@" -artifact_prefix="$cache/fuzz/" -dict=words -max_total_time="$seconds" \
    -timeout=20 -rss_limit_mb=2048 -print_final_stats=1
