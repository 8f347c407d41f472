#!/usr/bin/env bash
# Drives one sign process against the cluster of compose.yaml, as an integrator's server and one signer would: the requests go through the
# load balancer to any of the nodes, the code comes by mail and is read from the mailbox.
#
#   deploy/try.sh CONTRACT.pdf [FOLDER]      leaves the signed PDF and the certificate in FOLDER, by default ./rubrica-try
#
#   RUBRICA  address of the load balancer, by default http://localhost:8080
#   MAILBOX  address of Mailpit, by default http://localhost:8025
#   TOKEN    a token for the organization acme; by default one that a node makes
set -euo pipefail

pdf="${1:?usage: deploy/try.sh CONTRACT.pdf [FOLDER]}"
out="${2:-rubrica-try}"
compose="$(dirname "${BASH_SOURCE[0]}")/compose.yaml"
rubrica="${RUBRICA:-http://localhost:8080}"
mailbox="${MAILBOX:-http://localhost:8025}"
token="${TOKEN:-$(docker compose -f "$compose" exec -T rubrica-1 rubrica token --organization acme)}"
acme="$rubrica/v1/orgs/acme"
# An address of its own, so that the newest mail to it is ours.
address="ana-$RANDOM$RANDOM@example.org"

api() { curl -sS --fail-with-body --max-time 30 -H "Authorization: Bearer $token" "$@"; }
# The first text member of this name.
pick() { grep -o "\"$1\":\"[^\"]*\"" | head -1 | cut -d'"' -f4; }
# Runs a command until it succeeds, for half a minute.
until_it_is() {
    local tries=60
    until "$@"; do
        [ $((tries -= 1)) -gt 0 ] || { echo "gave up: $*" >&2; exit 1; }
        sleep 0.5
    done
}

document="$(api -F name=contract.pdf -F extension=pdf -F tags=try -F "content=@$pdf" "$acme/documents" | pick documentId)"
echo "uploaded $document"

process="$(api "$acme/sign_process" -H 'Content-Type: application/json' -d '{
  "signers": [{"alias": "tenant", "name": "Ana", "last_name": "López", "language": "EN", "email": "'"$address"'"}],
  "sign": {"type": "SIMPLE", "documents": [{"id": "'"$document"'"}]},
  "identification": {"type": "OTP"}}' | pick id)"
echo "created process $process"
state="$(api "$acme/sign_process/$process")"
identification="$(grep -o '"identification":{[^}]*}' <<<"$state" | pick id)"
signature="$(grep -o '"sign":{[^}]*}' <<<"$state" | pick id)"

api -X PUT "$acme/identifications/otp/$identification/challenge" -H 'Content-Type: application/json' -d '{}' >/dev/null
code=""
read_code() {
    local message
    for message in $(curl -sS --max-time 10 --get "$mailbox/api/v1/search" --data-urlencode "query=to:$address" |
        grep -o '"ID":"[^"]*"' | cut -d'"' -f4); do
        # The code is a line of eight digits.
        code="$(curl -sS --max-time 10 "$mailbox/view/$message.txt" | tr -d '\r' | grep -oE '^[0-9]{8}$' | head -1)" && return
    done
    return 1
}
until_it_is read_code
echo "a code came by mail to $address"

device=(-H 'x-installation_id: my-phone' -H 'x-fingerprint: my-fingerprint')
access="$(api "${device[@]}" -X PUT -D - -o /dev/null "$acme/identifications/otp/$identification/validate" \
    -H 'Content-Type: application/json' -d '{"code": "'"$code"'"}' | tr -d '\r' | sed -n 's/^x-access-token: //Ip')"
echo "identified"

signer=(-sS --fail-with-body --max-time 30 "${device[@]}" -H "Authorization: Bearer $access" -X POST)
curl "${signer[@]}" "$acme/simple_signs/$signature/preview" >/dev/null
curl "${signer[@]}" "$acme/simple_signs/$signature/sign" >/dev/null
echo "signed"

certified() { api "$acme/sign_process/$process" | grep -q '"status":"CERTIFIED"'; }
until_it_is certified
mkdir -p "$out"
signed="$(api "$acme/simple_signs/$signature" | grep -o '"signed_documents":.*' | pick url)"
curl -sS --fail-with-body --max-time 30 -o "$out/signed.pdf" "$signed"
api -o "$out/certificate.pdf" "$acme/documents/$(api "$acme/sign_process/$process" | pick certificate_id)"
echo "certified: $out/signed.pdf, $out/certificate.pdf"
