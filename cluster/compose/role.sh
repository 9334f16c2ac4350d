#!/bin/sh
# The nodes' own account in PostgreSQL and the database that it owns. It can do nothing else there. PostgreSQL's image runs
# this once, when its volume is new; the superuser `postgres` is for `docker compose exec postgres psql -U postgres`.
set -eu
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
  --set role="$POLLUX_DB_ROLE" --set password="$POLLUX_DB_PASSWORD" --set name="$POLLUX_DB_NAME" <<'SQL'
CREATE ROLE :"role" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"role";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
