#!/bin/sh
# forget.sh SERVICE TEST...: has a service that runs take up its configuration, once it passes the test. One that does not
# run stays so.
set -eu
service=$1
shift
runs() {
    if [ -d /run/systemd/system ]; then systemctl --quiet is-active "$service"; else service "$service" status >/dev/null 2>&1; fi
}
runs || exit 0
"$@"
if [ -d /run/systemd/system ]; then systemctl reload "$service"; else service "$service" reload; fi
