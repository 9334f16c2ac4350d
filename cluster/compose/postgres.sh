#!/bin/bash
# How docker-compose.yml starts PostgreSQL. The password of the nodes' account is DB_PASSWORD of .env, else one that is made
# at random once; either way it stands in a volume, which the nodes and pgAdmin read. A database that is there already is
# given it at each start, so that a new DB_PASSWORD takes effect, and one that everybody knows does not outlive it.
set -euo pipefail
file=${PASSWORD_FILE:-/run/pollux/db-password}
if [ -n "$POLLUX_DB_PASSWORD" ] || [ ! -s "$file" ]; then
  : "${POLLUX_DB_PASSWORD:=$(head -c 32 /dev/urandom | base64 | tr -d '\n')}"
  # Its readers are three users of three images. Nobody else gets at the volume, but for this machine's root.
  (umask 022; printf %s "$POLLUX_DB_PASSWORD" > "$file.new"; mv "$file.new" "$file")
fi
POLLUX_DB_PASSWORD=$(cat "$file")
# The superuser's. Nobody needs it: whoever is in the container is let in without.
POSTGRES_PASSWORD=$(head -c 32 /dev/urandom | base64)
export POLLUX_DB_PASSWORD POSTGRES_PASSWORD
if [ -s "$PGDATA/PG_VERSION" ]; then
  role=${POLLUX_DB_ROLE//\"/\"\"} password=${POLLUX_DB_PASSWORD//\'/\'\'}
  # Before anybody can connect. It says what it did, and that with the password.
  if gosu postgres postgres --single -D "$PGDATA" -c log_min_error_statement=panic postgres 2>&1 >/dev/null \
    <<<"ALTER ROLE \"$role\" PASSWORD '$password'" | grep ERROR; then
    echo "The account $POLLUX_DB_ROLE was not given its password: is DB_USER the one that this volume was made with?" >&2
    exit 1
  fi
fi
exec docker-entrypoint.sh "$@"
