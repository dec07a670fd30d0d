#!/bin/sh
# Makes the secrets of docker-compose.yml, once: a file that is there stays. The folder is its owner's alone; the files can
# be read in the containers, whose users have other numbers.
set -eu
cd "$(dirname "$0")"
mkdir -p secrets
chmod 700 secrets
for name in clickhouse_password grafana_clickhouse_password grafana_admin_password; do
  [ -s "secrets/$name" ] || od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"secrets/$name"
  chmod 644 "secrets/$name"
done
# Filled after the first start: tracewarden keys create prometheus --role monitor --tenant '*'
[ -e secrets/prometheus_key ] || : >secrets/prometheus_key
chmod 644 secrets/prometheus_key
