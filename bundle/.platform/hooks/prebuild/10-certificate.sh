#!/bin/bash
# A certificate for TLS between the load balancer and this instance, made here and known nowhere else.
# The load balancer does not verify it (ELB never does); it keeps the traffic in the VPC unreadable.
set -euo pipefail
umask 077

folder="${TLS_FOLDER:-/etc/pki/tls/application}"
key="$folder/instance.key" certificate="$folder/instance.crt"
renew_seconds=$((90 * 24 * 3600)) # an instance lives a week or so (managed updates replace it)

if [ -s "$key" ] && openssl x509 -in "$certificate" -noout -checkend "$renew_seconds" >/dev/null 2>&1; then
    exit 0
fi
mkdir -p "$folder"
work="$(mktemp -d "$folder/.new.XXXXXX")"
trap 'rm -rf "$work"' EXIT
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 -days 825 \
    -subj "/CN=instance.internal" -keyout "$work/key" -out "$work/certificate" 2>/dev/null
mv "$work/key" "$key"
mv "$work/certificate" "$certificate"
