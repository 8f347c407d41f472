# Steps of a script: each is named, timed, and shown in full only when it fails. To be sourced; needs `work`, a folder.

step() {
    local name="$1" began=$SECONDS
    shift
    printf '%-50s ' "$name"
    # In a shell of its own, so that `set -e` holds within the step.
    set +e
    (set -euo pipefail; "$@") >"$work/step.log" 2>&1
    local status=$?
    set -e
    if [ "$status" != 0 ]; then
        printf 'FAILED after %d s\n' "$((SECONDS - began))"
        cat "$work/step.log"
        exit "$status"
    fi
    printf 'ok, %d s\n' "$((SECONDS - began))"
}

# A step that runs while the ones after it do, one at a time; `finish` waits for it, `abandon` ends it with all that it started.
beside() {
    beside_name="$1" beside_began=$SECONDS
    shift
    # Job control gives it a process group of its own.
    set -m
    (set -euo pipefail; "$@") >"$work/beside.log" 2>&1 </dev/null &
    beside_group=$!
    set +m
}

finish() {
    local status=0
    wait "$beside_group" || status=$?
    beside_group=""
    printf '%-50s ' "$beside_name"
    if [ "$status" != 0 ]; then
        printf 'FAILED after %d s\n' "$((SECONDS - beside_began))"
        cat "$work/beside.log"
        exit "$status"
    fi
    printf 'ok, %d s beside the others\n' "$((SECONDS - beside_began))"
}

abandon() {
    if [ -n "${beside_group:-}" ]; then kill -- "-$beside_group" 2>/dev/null && wait "$beside_group" || true; fi
}
