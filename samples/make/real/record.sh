#!/bin/sh
# Records cases of cases.mjs in a network of their own, which has nothing but loopback: record.sh FOLDER CASE...
# Needs root, tcpdump, nginx, Chromium, and `npm install` in this folder.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$1; shift
mkdir -p "$folder"
hosts=$(mktemp)
printf '%s\n' '127.0.0.1 localhost' '127.0.0.10 auth.cedar.test' '127.0.0.20 mcp.cedar.test' > "$hosts"
for case in "$@"; do
    unshare --net --mount sh -c "
        mount --bind '$hosts' /etc/hosts && ip link set lo mtu 1500 up &&
        exec node '$here/record.mjs' '$case' '$folder/$case'"
done
rm -f "$hosts"
