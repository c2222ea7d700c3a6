#!/usr/bin/perl
# try-connection.pl ADDRESS PORT PROXYPORT: does a connection to ADDRESS and PORT arrive at PROXYPORT of this pod?
#
# Listens on PROXYPORT and connects to itself through the rules. Where the proxy listens there already (the init
# container runs again), it is enough that the connection is accepted. Exit codes: 0 it arrives, 1 it does not,
# 3 this pod has no way to such an address, so that nothing can go there either.
use strict;
use warnings;
use Socket qw(:DEFAULT inet_pton pack_sockaddr_in6 unpack_sockaddr_in6 IPPROTO_IPV6 IPV6_V6ONLY);

my ($host, $port, $proxy_port) = @ARGV;
my $is_v6 = $host =~ /:/;
my $family = $is_v6 ? AF_INET6 : AF_INET;

sub place {
    my ($address, $at) = @_;
    my $packed = inet_pton($family, $address);
    return $is_v6 ? pack_sockaddr_in6($at, $packed) : pack_sockaddr_in($at, $packed);
}

sub port_of {
    my ($port_number) = $is_v6 ? unpack_sockaddr_in6($_[0]) : unpack_sockaddr_in($_[0]);
    return $port_number;
}

sub finish {
    my ($code, $text) = @_;
    print $text;
    exit $code;
}

$SIG{ALRM} = sub { finish(1, 'it did not within 5 s') };
alarm 5;

socket(my $listener, $family, SOCK_STREAM, 0) or finish(3, "$!");
setsockopt($listener, SOL_SOCKET, SO_REUSEADDR, 1);
setsockopt($listener, IPPROTO_IPV6, IPV6_V6ONLY, 1) if $is_v6;
my $is_ours = bind($listener, place($is_v6 ? '::' : '0.0.0.0', $proxy_port)) && listen($listener, 8);

# Connecting a socket for datagrams sends nothing; it fails where this pod itself knows no way.
socket(my $question, $family, SOCK_DGRAM, 0) or finish(3, "$!");
connect($question, place($host, $port)) or finish(3, "$!");

socket(my $client, $family, SOCK_STREAM, 0) or finish(1, "$!");
connect($client, place($host, $port)) or finish(1, "$!");

while ($is_ours) {
    my $from = accept(my $arrived, $listener) or finish(1, "$!");
    last if port_of($from) == port_of(getsockname($client));
}
