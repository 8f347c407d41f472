#!/usr/bin/env bash
# Makes .env of .env.example, with random secrets. Leaves an .env that is there alone: its master key opens what is stored.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
if [ -e .env ]; then
    echo "deploy/.env is there already"
    exit
fi
umask 077
# Letters and digits only, so that no reader of the file takes a character for something else.
word() { openssl rand -hex 24; }
sed -e "s|^RUBRICA_KEYS__MASTER=$|&$(openssl rand -base64 32)|" \
    -e "s|^RUBRICA_BLOBS__SECRET_ACCESS_KEY=$|&$(word)|" \
    -e "s|^GRAFANA_PASSWORD=$|&$(word)|" .env.example >.env.new
mv .env.new .env
echo "made deploy/.env"
