#!/bin/bash
# Runs once, before the server takes connections of others: the user of the boards, who may read and nothing else.
set -euo pipefail
password="$(cat /run/secrets/grafana_clickhouse_password)"
client=(clickhouse-client --host 127.0.0.1 --user "$CLICKHOUSE_USER" --password "$CLICKHOUSE_PASSWORD" --multiquery)
"${client[@]}" </etc/tracewarden/clickhouse_user.sql
# Of the password the server keeps a digest.
"${client[@]}" <<SQL
CREATE USER IF NOT EXISTS grafana IDENTIFIED WITH sha256_password BY '${password//\'/}';
GRANT tracewarden_boards TO grafana;
SQL
