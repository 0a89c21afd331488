#!/bin/sh
set -e
data=/var/lib/postgresql/data/pg
if [ ! -f "$data/PG_VERSION" ]; then
  echo "$POSTGRES_PASSWORD" > /tmp/password
  initdb -D "$data" -U "$POSTGRES_USER" -A scram-sha-256 --pwfile /tmp/password > /dev/null
  rm /tmp/password
  echo "host all all all scram-sha-256" >> "$data/pg_hba.conf"
  pg_ctl -D "$data" -o "-c listen_addresses='' -k /tmp" -w start > /dev/null
  PGPASSWORD="$POSTGRES_PASSWORD" createdb -h /tmp -U "$POSTGRES_USER" "$POSTGRES_DB"
  pg_ctl -D "$data" -w stop > /dev/null
fi
exec postgres -D "$data" -c listen_addresses='*' -k /var/run/postgresql
