#!/bin/sh
# How docker-compose.yml starts pgAdmin. Its own password is made at random once and kept with its files; the database's
# stands where pgAdmin looks for it when it connects to the server that is registered.
set -eu
home=${PGADMIN_HOME:-/var/lib/pgadmin}
(
  umask 077
  cd "$home"
  [ -s password ] || { head -c 24 /dev/urandom | base64 > password.new; mv password.new password; }
  mkdir -p storage/admin_example.com
  # In this file a colon ends a field.
  password=$(sed 's/[\\:]/\\&/g' "${PASSWORD_FILE:-/run/pollux/db-password}")
  printf 'postgres:5432:*:%s:%s\n' "$POLLUX_DB_ROLE" "$password" > storage/admin_example.com/.pgpass
)
PGADMIN_DEFAULT_PASSWORD=$(cat "$home/password")
export PGADMIN_DEFAULT_PASSWORD
exec "${ENTRYPOINT:-/entrypoint.sh}"
