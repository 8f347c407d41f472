#!/usr/bin/env bash
# Builds (with the argument --build) or runs the peer veraPDF: files on the standard input, the rules (ua1, 3b) as its argument; see
# verapdf/src/main/java/Conforms.java. What is built, and the libraries, are kept below ~/.cache/rubrica/verapdf.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
out="${XDG_CACHE_HOME:-$HOME/.cache}/rubrica/verapdf"
if [ "${1:-}" = --build ]; then
    # Anew only where something was changed since.
    sum="$(cat "$here"/verapdf/pom.xml "$here"/verapdf/src/main/java/*.java | sha256sum)"
    [ "$(cat "$out/built" 2>/dev/null)" = "$sum" ] && exit
    mvn -q -B -f "$here/verapdf/pom.xml" -Dout="$out" compile dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$out/lib"
    echo "$sum" >"$out/built"
else
    exec java -Djava.awt.headless=true -Xss16m -Xmx1g -cp "$out/classes:$out/lib/*" Conforms "$@"
fi
