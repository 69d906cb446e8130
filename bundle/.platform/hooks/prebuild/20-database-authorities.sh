#!/bin/bash
# The certificate authorities of the database, where PHP finds them (DATABASE_CA_FILE of the environment):
# those of RDS and Aurora, and the system's, which vouch for RDS Proxy. An older file stays until a new one is
# complete, so that an instance can be deployed to while the address is out of reach.
set -euo pipefail

file="${DATABASE_CA_FILE:-/etc/pki/tls/database/authorities.pem}"
source="${DATABASE_CA_SOURCE:-https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem}"
system="${SYSTEM_CA_FILE:-/etc/pki/tls/certs/ca-bundle.crt}"

mkdir -p "$(dirname "$file")"
new="$(mktemp "$file.XXXXXX")"
trap 'rm -f "$new"' EXIT

if curl --fail --silent --show-error --location --retry 5 --retry-delay 2 --max-time 60 "$source" >"$new" &&
    openssl x509 -in "$new" -noout >/dev/null 2>&1; then
    cat "$system" >>"$new"
    chmod 0644 "$new"
    mv "$new" "$file"
elif [ -s "$file" ]; then
    echo "the database's certificate authorities could not be renewed; the ones from before stay" >&2
else
    echo "the database's certificate authorities are missing and $source cannot be read" >&2
    exit 1
fi
