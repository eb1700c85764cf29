#!/bin/sh
# A PostgreSQL server for trying a store by hand: in a temporary folder, only for this machine, until Ctrl-C. It needs PostgreSQL's
# programs, which Debian and Ubuntu install with: apt install postgresql
set -e
for bin in /usr/lib/postgresql/*/bin; do PATH=$PATH:$bin; done
command -v initdb >/dev/null || { echo "initdb is not installed" >&2; exit 1; }
folder=$(mktemp -d /tmp/isms-store-XXXXXX)
trap 'kill -INT $server 2>/dev/null; wait $server; rm -rf "$folder"' EXIT
trap 'exit 130' HUP INT TERM
run=
# PostgreSQL does not run as root.
if [ "$(id -u)" = 0 ]; then chown nobody "$folder"; run="setpriv --reuid nobody --regid nogroup --clear-groups"; fi
cd "$folder"
$run initdb --pgdata data --username sms --auth trust --encoding UTF8 --no-locale >log
$run postgres -D data -k "$folder" -c listen_addresses= >>log 2>&1 &
server=$!
until $run createdb --host "$folder" --username sms sms 2>/dev/null; do kill -0 $server; sleep 0.2; done
echo "export ISMS_STORE=postgresql://sms@$(echo "$folder" | sed 's|/|%2F|g')/sms"
wait $server
