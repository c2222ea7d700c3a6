#!/bin/sh
# Entry point of the init image: loads the rules that send a pod's traffic through its proxy, and tries them.
#
#   capture [load | verify | try | clean]
#     load    (default) loads the rules, then verifies them; may run again at any time
#     verify  loads nothing: do the rules do their work?
#     try     needs no rights: opens the connections below, and nothing else; for rules that an agent of the node loads
#     clean   takes away exactly what load has made; rules of others stay
#
#   CAPTURE_RULES_V4   input of iptables-restore
#   CAPTURE_RULES_V6   input of ip6tables-restore; without effect, and said, on a kernel without IPv6
#   CAPTURE_RULES_NFT  input of nft, for both families, instead of the two
#   CAPTURE_SOURCE_V6  source address of the proxy's deliveries; added to the loopback interface unless it is ::1
#   CAPTURE_PROBE_V4   ADDRESS PORT PROXYPORT: a connection of this container to ADDRESS and PORT, which the rules must
#   CAPTURE_PROBE_V6   send to PROXYPORT; without it the rules are only read back
#   CAPTURE_VERIFY     false: load verifies nothing
#
# The rules are data: they are piped, never expanded or evaluated. Loading replaces its tables in one step each. Needs
# the capabilities NET_ADMIN and NET_RAW (but for `try`), neither root nor a writable root file system. Prints one line;
# exits with 0, 1 (failed), 2 (wrong usage), or 126 (`try`: not captured), by which Istio's node agent knows such pods.
set -euf

# The legacy back end wants a lock file; its usual place is on the root file system, which is read-only in a pod.
export XTABLES_LOCKFILE="${XTABLES_LOCKFILE:-/dev/shm/xtables.lock}"

rules_v4=${CAPTURE_RULES_V4:-}
rules_v6=${CAPTURE_RULES_V6:-}
rules_nft=${CAPTURE_RULES_NFT:-}
source_v6=${CAPTURE_SOURCE_V6:-::1}
done=''

fail() {
  printf 'capture: error: %s\n' "$*" >&2
  exit 1
}

# did TEXT: a part of the one line at the end.
did() {
  done="$done${done:+; }$*"
}

# one_line TEXT: what a tool printed, without its advice to read the manual.
one_line() {
  printf '%s\n' "$1" | sed -e '/^$/d' -e '/^Try /d' | paste -s -d ' ' -
}

installed() {
  command -v "$1" >/dev/null 2>&1
}

# missing TEXT: what is missing, as far as the kernel and a tool's answer tell.
missing() {
  effective=$(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
  case $effective in
    *[13579bdf]???) ;;
    *)
      printf '%s' ' (missing: the capability NET_ADMIN)'
      return
      ;;
  esac
  case $1 in
    *'does not exist'* | *'missing kernel module'* | *'No such file or directory'* | *'not supported'*)
      printf '%s' ' (missing: a kernel module: iptable_nat or nf_tables with nft_compat, xt_REDIRECT, xt_owner, xt_comment, nf_nat)'
      ;;
    *': not installed'*) printf '%s' ' (missing: iptables in this image)' ;;
  esac
}

# restore_tools NAME: the nft back end first, then the legacy one, then whatever the bare name is.
restore_tools() {
  printf '%s\n' "$1-nft" "$1-legacy" "$1"
}

count_rules() {
  printf '%s\n' "$1" | grep -c '^-[AI] ' || :
}

tables_of() {
  printf '%s\n' "$1" | sed -n 's/^\*//p'
}

# load FAMILY NAME RULES
load() {
  reasons=''
  for tool in $(restore_tools "$2"); do
    if ! installed "$tool-restore"; then
      reasons="$reasons; $tool-restore: not installed"
    elif output=$(printf '%s\n' "$3" | "$tool-restore" -w 10 2>&1); then
      did "$1: $(count_rules "$3") rules loaded by $tool-restore"
      return 0
    else
      reasons="$reasons; $tool-restore: $(one_line "$output")"
    fi
  done
  fail "$1 rules could not be loaded$(missing "$reasons")$reasons"
}

load_nft() {
  installed nft || fail 'the nftables table could not be loaded (missing: nftables in this image); nft: not installed'
  output=$(printf '%s\n' "$rules_nft" | nft -f - 2>&1) ||
    fail "the nftables table could not be loaded$(missing "$output"); nft: $(one_line "$output")"
  did 'IPv4 and IPv6: one table loaded by nft'
}

# read_back FAMILY NAME RULES: as many rules as were given stand in the tables of one back end.
read_back() {
  wanted=$(count_rules "$3")
  seen=''
  for tool in $(restore_tools "$2"); do
    installed "$tool-save" || continue
    found=0
    for table in $(tables_of "$3"); do
      saved=$("$tool-save" -t "$table" 2>/dev/null || :)
      found=$((found + $(count_rules "$saved")))
    done
    [ "$found" -ge "$wanted" ] && return 0
    seen="$seen; $tool-save shows $found"
  done
  # An image may lack the tools that read; a connection then tells.
  [ -z "$seen" ] || fail "$1 rules are not in place: $wanted wanted$seen"
}

read_back_nft() {
  nft list table inet istio_capture >/dev/null 2>&1 || fail 'the rules are not in place: there is no table inet istio_capture'
}

# open_connection FAMILY ADDRESS PORT PROXYPORT UNTRIED: returns 1 if it arrives elsewhere, with the answer in `output`.
# What keeps it from being tried is told after UNTRIED.
open_connection() {
  code=0
  output=$("${0%/*}/try-connection.pl" "$2" "$3" "$4" 2>&1) || code=$?
  case $code in
    0) did "$1: a connection to $2 port $3 arrives at port $4" ;;
    3) did "$1: $5 (this pod has no way to $2: $output)" ;;
    *)
      output="a connection to $2 port $3 should arrive at port $4: $(one_line "$output")"
      return 1
      ;;
  esac
}

# try_connection FAMILY PROBE
try_connection() {
  if [ -z "$2" ]; then
    did "$1: read back, as nothing that this container may open is captured"
    return 0
  fi
  if ! installed perl; then
    did "$1: read back, not tried (perl: not installed)"
    return 0
  fi
  # shellcheck disable=SC2086 # three words
  open_connection "$1" $2 'read back, not tried' || fail "$1 rules do not work: $output"
}

# add_source: the proxy can only bind to an address that the pod has.
add_source() {
  [ "$source_v6" != ::1 ] || return 0
  installed ip || fail "$source_v6 could not be added to the loopback interface (missing: iproute2 in this image); ip: not installed"
  output=$(ip -6 address replace "$source_v6/128" dev lo 2>&1) ||
    fail "$source_v6 could not be added to the loopback interface$(missing "$output"); ip: $(one_line "$output")"
  did "$source_v6 is an address of the loopback interface"
}

# Whether this pod has IPv6: yes, off or none.
ipv6=yes
switch_v6=/proc/sys/net/ipv6/conf/lo/disable_ipv6
off=0
# The kernel ends this file without a newline for a reader of single bytes, which `read` calls a failure.
if [ -r "$switch_v6" ]; then read -r off <"$switch_v6" || :; fi
[ "$off" != 1 ] || ipv6=off
[ -e /proc/net/if_inet6 ] || ipv6=none

# in_place FAMILY NAME RULES PROBE
in_place() {
  [ "$mode" = verify ] || load "$1" "$2" "$3"
  [ "$verify" = yes ] || return 0
  read_back "$1" "$2" "$3"
  try_connection "$1" "$4"
}

no_ipv6='there is no IPv6 in this kernel (/proc/net/if_inet6 is missing): nothing to capture there'
ipv6_off='IPv6 is switched off in this pod (net.ipv6.conf.lo.disable_ipv6 is 1): its rules have nothing to do'

use_iptables() {
  if [ -n "$rules_v4" ]; then
    in_place IPv4 iptables "$rules_v4" "${CAPTURE_PROBE_V4:-}"
  else
    did 'IPv4 traffic is not captured (CAPTURE_RULES_V4 is not set)'
  fi
  if [ -z "$rules_v6" ]; then
    did 'IPv6 traffic is not captured (CAPTURE_RULES_V6 is not set)'
    return 0
  fi
  case $ipv6 in
    none) did "$no_ipv6" ;;
    off)
      did "$ipv6_off"
      verify=no
      in_place IPv6 ip6tables "$rules_v6" ''
      ;;
    *)
      [ "$mode" = verify ] || add_source
      in_place IPv6 ip6tables "$rules_v6" "${CAPTURE_PROBE_V6:-}"
      ;;
  esac
}

use_nftables() {
  [ "$mode" = verify ] || [ "$ipv6" != yes ] || add_source
  [ "$mode" = verify ] || load_nft
  [ "$verify" = yes ] || return 0
  read_back_nft
  try_connection IPv4 "${CAPTURE_PROBE_V4:-}"
  case $ipv6 in
    none) did "$no_ipv6" ;;
    off) did "$ipv6_off" ;;
    *) try_connection IPv6 "${CAPTURE_PROBE_V6:-}" ;;
  esac
}

# clean_tables FAMILY NAME NAMES: NAMES is the kernel's list of legacy tables. Every rule of ours stands in a chain
# ISTIO_…, leads to one or has such a comment.
clean_tables() {
  for tool in $(restore_tools "$2"); do
    if ! installed "$tool-save" || ! installed "$tool-restore"; then continue; fi
    for table in mangle nat raw; do
      # Reading a legacy table would make it.
      case $tool in *-legacy) grep -qsx "$table" "$3" || continue ;; esac
      saved=$("$tool-save" -t "$table" 2>/dev/null || :)
      case $saved in *ISTIO_*) ;; *) continue ;; esac
      rest=$(printf '%s\n' "$saved" | grep -v ISTIO_)
      output=$(printf '%s\n' "$rest" | "$tool-restore" -w 10 2>&1) ||
        fail "$1 rules of table $table could not be removed$(missing "$output"); $tool-restore: $(one_line "$output")"
      did "$1: $(($(count_rules "$saved") - $(count_rules "$rest"))) rules of table $table removed by $tool-restore"
    done
  done
}

clean() {
  clean_tables IPv4 iptables /proc/net/ip_tables_names
  clean_tables IPv6 ip6tables /proc/net/ip6_tables_names
  if installed nft && nft list table inet istio_capture >/dev/null 2>&1; then
    output=$(nft delete table inet istio_capture 2>&1) ||
      fail "the nftables table could not be removed$(missing "$output"); nft: $(one_line "$output")"
    did 'table inet istio_capture removed by nft'
  fi
  if [ "$source_v6" != ::1 ] && installed ip && ip -6 address del "$source_v6/128" dev lo 2>/dev/null; then
    did "$source_v6 removed from the loopback interface"
  fi
  [ -n "$done" ] || did 'nothing of ours is here'
}

# try_captured FAMILY PROBE
try_captured() {
  [ -n "$2" ] || return 0
  # shellcheck disable=SC2086 # three words
  open_connection "$1" $2 'not tried' && return 0
  printf 'capture: error: %s\n' "$1 traffic is not captured: $output; the agent of this node has not loaded the rules" >&2
  exit 126
}

try_all() {
  [ -n "${CAPTURE_PROBE_V4:-}${CAPTURE_PROBE_V6:-}" ] || fail 'neither CAPTURE_PROBE_V4 nor CAPTURE_PROBE_V6 is set'
  installed perl || fail 'no connection can be opened (missing: perl in this image)'
  try_captured IPv4 "${CAPTURE_PROBE_V4:-}"
  case $ipv6 in
    none | off) did 'there is no IPv6 in this pod' ;;
    *) try_captured IPv6 "${CAPTURE_PROBE_V6:-}" ;;
  esac
}

mode=${1:-load}
verify=yes
[ "${CAPTURE_VERIFY:-true}" != false ] || [ "$mode" = verify ] || verify=no
case $mode in
  load | verify)
    [ -n "$rules_v4$rules_v6$rules_nft" ] ||
      fail 'none of CAPTURE_RULES_V4, CAPTURE_RULES_V6 and CAPTURE_RULES_NFT is set'
    if [ -n "$rules_nft" ]; then use_nftables; else use_iptables; fi
    ;;
  try) try_all ;;
  clean) clean ;;
  *)
    printf 'capture: error: "%s" is no mode; allowed: load, verify, try, clean\n' "$mode" >&2
    exit 2
    ;;
esac
printf 'capture: %s\n' "$done"
