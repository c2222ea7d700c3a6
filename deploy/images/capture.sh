#!/bin/sh
# Entry point of the init image: loads the rules that send a pod's traffic through its proxy.
#   CAPTURE_RULES_V4   input of iptables-restore; required unless CAPTURE_RULES_V6 is set
#   CAPTURE_RULES_V6   input of ip6tables-restore; skipped, with a message, on a kernel without IPv6
#   CAPTURE_SOURCE_V6  source address of the proxy's deliveries; added to the loopback interface unless it is ::1
# The rules are data: they are piped, never expanded or evaluated. Loading replaces the nat table in one step, so the
# script may run again at any time. Needs the capabilities NET_ADMIN and NET_RAW, and no writable root file system.
set -eu

# The legacy back end wants a lock file; its usual place is on the root file system, which is read-only in a pod.
export XTABLES_LOCKFILE="${XTABLES_LOCKFILE:-/dev/shm/xtables.lock}"

say() {
  printf 'capture: %s\n' "$*"
}

fail() {
  printf 'capture: error: %s\n' "$*" >&2
  exit 1
}

# one_line TEXT: what a tool printed, without its advice to read the manual.
one_line() {
  printf '%s\n' "$1" | grep -v -e '^$' -e '^Try ' | tr '\n' ' '
}

# load FAMILY TOOL RULES: the nft back end first, then the legacy one, then whatever the bare name is.
load() {
  reasons=''
  for tool in "$2-nft-restore" "$2-legacy-restore" "$2-restore"; do
    if ! command -v "$tool" >/dev/null 2>&1; then
      reasons="$reasons; $tool: not installed"
      continue
    fi
    if output=$(printf '%s\n' "$3" | "$tool" -w 10 2>&1); then
      say "$1 rules loaded with $tool ($(printf '%s\n' "$3" | grep -c '^-') rules)"
      return 0
    fi
    reasons="$reasons; $tool: $(one_line "$output")"
  done
  fail "$1 rules could not be loaded${reasons}"
}

# add_source ADDRESS: the proxy can only bind to an address that the pod has.
add_source() {
  command -v ip >/dev/null 2>&1 || fail "$1 could not be added to the loopback interface; ip: not installed"
  output=$(ip -6 address replace "$1/128" dev lo 2>&1) ||
    fail "$1 could not be added to the loopback interface; ip: $(one_line "$output")"
  say "$1 is an address of the loopback interface"
}

rules_v4=${CAPTURE_RULES_V4:-}
rules_v6=${CAPTURE_RULES_V6:-}
source_v6=${CAPTURE_SOURCE_V6:-::1}
switch_v6=/proc/sys/net/ipv6/conf/lo/disable_ipv6

[ -n "$rules_v4$rules_v6" ] || fail 'neither CAPTURE_RULES_V4 nor CAPTURE_RULES_V6 is set'

if [ -n "$rules_v4" ]; then
  load IPv4 iptables "$rules_v4"
else
  say 'CAPTURE_RULES_V4 is not set: IPv4 traffic is not captured'
fi

if [ -z "$rules_v6" ]; then
  say 'CAPTURE_RULES_V6 is not set: IPv6 traffic is not captured'
elif [ ! -e /proc/net/if_inet6 ]; then
  say 'this kernel has no IPv6 (/proc/net/if_inet6 is missing): nothing to capture there'
else
  off=0
  # The kernel ends this file without a newline for a reader of single bytes, which `read` calls a failure.
  if [ -r "$switch_v6" ]; then read -r off <"$switch_v6" || :; fi
  if [ "$off" = 1 ]; then
    say 'IPv6 is switched off in this pod (net.ipv6.conf.lo.disable_ipv6 is 1): the rules have nothing to do'
  elif [ "$source_v6" != ::1 ]; then
    add_source "$source_v6"
  fi
  load IPv6 ip6tables "$rules_v6"
fi
