#!/usr/bin/env bash
# Records TLS connections on loopback, each with its key log and with what both sides said inside.
#
# usage: samples/make/tls.sh [case...]        writes samples/tls/<case>/
#
#   capture.pcap   the connection, as tcpdump saw it
#   keys.log       its secrets, as SSLKEYLOGFILE has them
#   client.txt     what the client said inside
#   server.txt     what the server said
#
# Needs openssl 3, node, tcpdump, and the right to capture. Keys and certificates are made for each run and thrown away.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
target=$here/../tls
scratch=$(mktemp -d)
running=()
trap 'kill "${running[@]}" 2>/dev/null || true; rm -rf "$scratch"' EXIT
cd "$scratch"

port=24433
name=mcp.example

certificate() { # file, key options...
  openssl req -x509 -nodes -days 2 -subj "/CN=$name" -keyout "$1.key" -out "$1.pem" "${@:2}" 2>/dev/null
}
certificate rsa -newkey rsa:2048
certificate ec -newkey ec -pkeyopt ec_paramgen_curve:P-256

printf 'POST /mcp HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer test\r\nContent-Type: application/json\r\nContent-Length: 46\r\n\r\n{"jsonrpc":"2.0","id":1,"method":"tools/list"}' $name >request
printf 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 47\r\n\r\n{"jsonrpc":"2.0","id":1,"result":{"tools":[ ]}}' >response
printf 'GET /mcp HTTP/1.1\r\nHost: %s\r\n\r\n' $name >second
printf 'HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n' >second-answer
{
  printf 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3000\r\n\r\n'
  for i in $(seq 1000 1999); do printf '%s' "${i:1}"; done
} >long

# What both ends type. A case may define others before it calls `record`.
defaults() {
  client_says() { pause; cat request; pause 2; }
  server_says() { pause 2; cat response; pause 4; }
  before() { :; }
  cp request client.txt
  cp response server.txt
  key=ec
  client_input=
}

pause() { sleep "$(awk "BEGIN { print 0.3 * ${1:-1} }")"; }

listen() { # server options...
  # The server waits for its first connection until the client says something.
  mkfifo ready 2>/dev/null || true
  (cat ready >/dev/null; server_says) |
    openssl s_server -accept 127.0.0.1:$port -cert $key.pem -key $key.key -keylogfile keys.log "$@" >server.out 2>&1 &
  server=$!
  running+=($server)
  pause
}

connect() { # client options...
  openssl s_client -connect 127.0.0.1:$port -servername $name "$@" >client.out 2>&1 || true
}

# record <case> <server options> -- <client options>
record() {
  local case=$1 server_options=() pcap
  shift
  while [ "$1" != -- ]; do server_options+=("$1"); shift; done
  shift
  rm -f keys.log
  listen "${server_options[@]}"
  before
  tcpdump -i lo -U --immediate-mode -w capture.pcap "tcp port $port" >tcpdump.out 2>&1 &
  pcap=$!
  running+=($pcap)
  until grep -q listening tcpdump.out; do sleep 0.1; done
  (echo >ready; client_says) | connect "$@" || true # it may refuse to listen
  pause
  kill $pcap $server 2>/dev/null || true
  wait $pcap $server 2>/dev/null || true
  running=()
  keep "$case"
}

keep() { # case
  mkdir -p "$target/$1"
  cp capture.pcap keys.log client.txt server.txt "$target/$1/"
  echo "$1: $(wc -c <capture.pcap) octets, $(wc -l <keys.log) lines of keys"
}

cases=()
wanted=("$@")
case_of() { # case
  [ ${#wanted[@]} -eq 0 ] || [[ " ${wanted[*]} " == *" $1 "* ]] || return 1
  defaults
}

for suite in AES_128_GCM_SHA256 AES_256_GCM_SHA384 CHACHA20_POLY1305_SHA256 AES_128_CCM_SHA256; do
  label=tls13-$(echo ${suite%_SHA*} | tr 'A-Z_' 'a-z-')
  if case_of $label; then record $label -tls1_3 -ciphersuites TLS_$suite -- -ciphersuites TLS_$suite -alpn h2,http/1.1; fi
done

tls12() { # label, cipher, key, client options...
  if case_of "tls12-$1"; then
    key=$3
    record "tls12-$1" -tls1_2 -cipher "$2:@SECLEVEL=0" -alpn http/1.1 -- -cipher "$2:@SECLEVEL=0" -alpn h2,http/1.1 "${@:4}"
  fi
}
tls12 ecdhe-aes-128-gcm ECDHE-ECDSA-AES128-GCM-SHA256 ec
tls12 ecdhe-aes-256-gcm ECDHE-RSA-AES256-GCM-SHA384 rsa
tls12 ecdhe-chacha20-poly1305 ECDHE-ECDSA-CHACHA20-POLY1305 ec
tls12 rsa-aes-128-gcm AES128-GCM-SHA256 rsa
tls12 dhe-aes-256-gcm DHE-RSA-AES256-GCM-SHA384 rsa
tls12 aes-128-ccm ECDHE-ECDSA-AES128-CCM ec
for order in etm mte; do
  options=()
  [ $order = etm ] || options=(-no_etm)
  tls12 aes-128-cbc-sha-$order ECDHE-ECDSA-AES128-SHA ec "${options[@]}"
  tls12 aes-256-cbc-sha-$order AES256-SHA rsa "${options[@]}"
  tls12 aes-128-cbc-sha256-$order ECDHE-ECDSA-AES128-SHA256 ec "${options[@]}"
  tls12 aes-256-cbc-sha256-$order AES256-SHA256 rsa "${options[@]}"
  tls12 aes-256-cbc-sha384-$order ECDHE-ECDSA-AES256-SHA384 ec "${options[@]}"
done

if case_of tls11; then
  key=rsa
  record tls11 -tls1_1 -cipher ALL:@SECLEVEL=0 -- -tls1_1 -cipher ALL:@SECLEVEL=0
fi

two_turns() {
  cat request second >client.txt
  cat response second-answer >server.txt
}

if case_of tls13-key-update; then
  two_turns
  client_says() { pause; cat request; pause 2; printf K; pause; printf k; pause 2; cat second; pause 3; }
  server_says() { pause 2; cat response; pause 3; echo K; pause 2; cat second-answer; pause 4; }
  record tls13-key-update -tls1_3 --
fi

if case_of tls13-hello-retry; then record tls13-hello-retry -tls1_3 -groups P-384 -- -groups X25519:P-384; fi

if case_of tls13-padding; then
  record tls13-padding -tls1_3 -record_padding 512 -- -record_padding 300
fi

if case_of tls13-fragments; then
  key=rsa
  server_says() { pause 2; cat long; pause 4; }
  cp long server.txt
  record tls13-fragments -tls1_3 -max_send_frag 512 -- -max_send_frag 512
fi

if case_of tls12-fragments; then
  key=rsa
  server_says() { pause 2; cat long; pause 4; }
  cp long server.txt
  record tls12-fragments -tls1_2 -max_send_frag 512 -- -max_send_frag 512
fi

# The certificate of the client is asked for after the handshake: a second Finished of the client.
if case_of tls13-certificate-asked-later; then
  two_turns
  client_says() { pause; cat request; pause 4; cat second; pause 3; }
  server_says() { pause 2; cat response; pause 2; echo c; pause 2; cat second-answer; pause 4; }
  record tls13-certificate-asked-later -tls1_3 -verify 1 -- -enable_pha -cert ec.pem -key ec.key
fi

if case_of tls12-renegotiation-by-client; then
  two_turns
  client_says() { pause; cat request; pause 2; echo R; pause 2; cat second; pause 3; }
  server_says() { pause 2; cat response; pause 4; cat second-answer; pause 4; }
  record tls12-renegotiation-by-client -tls1_2 -client_renegotiation -cipher ECDHE-ECDSA-AES256-GCM-SHA384 --
fi

if case_of tls12-renegotiation-by-server; then
  two_turns
  client_says() { pause; cat request; pause 4; cat second; pause 3; }
  server_says() { pause 2; cat response; pause 2; echo r; pause 2; cat second-answer; pause 4; }
  record tls12-renegotiation-by-server -tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256 --
fi

earlier() { # client options...
  (pause 2) | connect -sess_out session.pem "$@"
}

if case_of tls13-resumption; then
  before() { earlier; }
  record tls13-resumption -tls1_3 -- -sess_in session.pem
fi

if case_of tls12-resumption-by-ticket; then
  before() { earlier; }
  record tls12-resumption-by-ticket -tls1_2 -- -sess_in session.pem
fi

if case_of tls12-resumption-by-id; then
  before() { earlier -no_ticket; }
  record tls12-resumption-by-id -tls1_2 -no_ticket -- -sess_in session.pem -no_ticket
fi

early() { # case, client options...
  printf '' >nothing
  client_says() { pause; cat second; pause 2; }
  server_says() { pause 2; cat second-answer; pause 4; }
  cp second-answer server.txt
  cat second >client.txt
}

if case_of tls13-early-data-accepted; then
  early
  cat request second >client.txt
  before() { earlier; }
  record tls13-early-data-accepted -tls1_3 -early_data -no_anti_replay -- -sess_in session.pem -early_data request
fi

# Another server, which does not know the ticket: refused, and what was sent early is not what it has read.
if case_of tls13-early-data-refused; then
  early
  listen -tls1_3 -early_data -no_anti_replay
  earlier
  kill $server
  echo >ready
  wait $server 2>/dev/null || true
  record tls13-early-data-refused -tls1_3 -early_data -no_anti_replay -- -sess_in session.pem -early_data request
fi

if case_of tls13-early-data-refused-by-retry; then
  early
  before() { earlier -groups P-384; }
  record tls13-early-data-refused-by-retry -tls1_3 -early_data -no_anti_replay -groups P-384 -- \
    -sess_in session.pem -early_data request -groups X25519:P-384
fi

if case_of tls13-certificate-refused; then
  printf '' >client.txt
  printf '' >server.txt
  record tls13-certificate-refused -tls1_3 -- -verify_return_error
fi

if case_of tls12-no-common-suite; then
  printf '' >client.txt
  printf '' >server.txt
  record tls12-no-common-suite -tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256 -- -cipher AES256-SHA
fi

# Node on both ends, an upload of 100 kB that fills records.
if case_of tls13-upload; then
  rm -f keys.log
  tcpdump -i lo -U --immediate-mode -w capture.pcap "tcp port $port" >tcpdump.out 2>&1 &
  pcap=$!
  until grep -q listening tcpdump.out; do sleep 0.1; done
  node --tls-keylog=keys.log "$here/tls_upload.js" $port $name
  pause
  kill $pcap
  wait $pcap 2>/dev/null || true
  keep tls13-upload
fi
