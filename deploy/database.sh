#!/bin/sh
# Run once by the image of PostgreSQL: a role without superuser and BYPASSRLS, so that row-level security holds it back.
set -eu
psql -v ON_ERROR_STOP=1 --username postgres <<SQL
CREATE ROLE timbra LOGIN PASSWORD '$TIMBRA_PASSWORD';
CREATE DATABASE timbra OWNER timbra;
SQL
