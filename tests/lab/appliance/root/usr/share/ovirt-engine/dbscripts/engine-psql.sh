#!/bin/sh
# What psql is to the engine's database; the options are psql's: -t, -A, -c SQL.
exec /usr/bin/python3 -m engine_simulator.sql --state "${APPLIANCE_ROOT:-}/var/lib/ovirt-engine" "$@"
