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
