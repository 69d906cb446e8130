#!/bin/bash
# A change of configuration runs no hooks of a deployment, and nginx needs the certificate all the same.
exec "$(dirname "$0")/../../hooks/prebuild/10-certificate.sh"
