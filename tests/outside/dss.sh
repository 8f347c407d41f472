#!/usr/bin/env bash
# Builds (with the argument --build) or runs the peer EU DSS: files on the standard input, trusted roots as arguments; see dss/src/main/java/Validate.java.
# What is built, and the libraries, are kept below ~/.cache/rubrica/dss.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
out="${XDG_CACHE_HOME:-$HOME/.cache}/rubrica/dss"
if [ "${1:-}" = --build ]; then
    # Anew only where something was changed since.
    sum="$(cat "$here"/dss/pom.xml "$here"/dss/src/main/java/*.java | sha256sum)"
    [ "$(cat "$out/built" 2>/dev/null)" = "$sum" ] && exit
    mvn -q -B -f "$here/dss/pom.xml" -Dout="$out" compile dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$out/lib"
    echo "$sum" >"$out/built"
else
    program="${RUBRICA_DSS:-Validate}"
    exec java -Djava.awt.headless=true -Xss16m -Xmx1g -cp "$out/classes:$out/lib/*" "$program" "$@"
fi
