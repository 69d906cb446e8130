#!/bin/bash
# The certificate authorities of the database, where PHP finds them (DATABASE_CA_FILE of the environment):
# those of RDS and Aurora, and the system's, which vouch for RDS Proxy. A release carries them, so that no instance
# depends on an address outside while it starts, or has no way there (network.nat: none). Without that file they
# are fetched; one from before stays until the new one is complete.
set -euo pipefail

file="${DATABASE_CA_FILE:-/etc/pki/tls/database/authorities.pem}"
shipped="$(cd "$(dirname "$0")/../.." && pwd)/database-authorities.pem"
source="https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
[ ! -e "$shipped" ] || source="file://$shipped"
source="${DATABASE_CA_SOURCE:-$source}"
system="${SYSTEM_CA_FILE:-/etc/pki/tls/certs/ca-bundle.crt}"

mkdir -p "$(dirname "$file")"
new="$(mktemp "$file.XXXXXX")"
trap 'rm -f "$new"' EXIT

if curl --fail --silent --show-error --location --connect-timeout 5 --retry 5 --retry-delay 2 --max-time 60 "$source" >"$new" &&
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
