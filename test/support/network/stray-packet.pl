#!/usr/bin/perl
# stray-packet.pl ADDRESS PORT: does a connection outlive a packet from beyond its window?
#
# Talks to an echo server over IPv4, sends a packet of the same connection from far beyond its window, and talks again.
# Says whether the connection lives. Needs root, for the raw socket and for TCP_REPAIR, which tells the next numbers.
use strict;
use warnings;
use Socket qw(:all);

my ($host, $port) = @ARGV;
my ($repair, $queue, $sequence) = (19, 20, 21);
socket(my $line, PF_INET, SOCK_STREAM, IPPROTO_TCP) or die $!;
connect($line, pack_sockaddr_in($port, inet_aton($host))) or die $!;

sub talk {
  defined(send($line, "\x01hello\n", MSG_NOSIGNAL)) or return 0;
  my $heard = '';
  return defined(recv($line, $heard, 4096, 0)) && length($heard) > 0;
}

sub next_number {
  setsockopt($line, IPPROTO_TCP, $queue, pack('i', $_[0])) or die $!;
  return unpack('I', getsockopt($line, IPPROTO_TCP, $sequence));
}

sub checksum {
  my $sum = unpack('%32n*', $_[0] . (length($_[0]) % 2 ? "\0" : ''));
  $sum = ($sum >> 16) + ($sum & 0xffff) while $sum >> 16;
  return ~$sum & 0xffff;
}

talk() or die 'no echo';
setsockopt($line, IPPROTO_TCP, $repair, pack('i', 1)) or die $!;
my ($sent, $received) = (next_number(2), next_number(1));
setsockopt($line, IPPROTO_TCP, $repair, pack('i', -1)) or die $!;
my ($own_port, $own) = unpack_sockaddr_in(getsockname($line));
my $peer = inet_aton($host);
my $head = sub { pack('nnNNCCnnn', $own_port, $port, ($sent + 500_000_000) & 0xffffffff, $received, 5 << 4, 0x18, 500, $_[0], 0) };
my $text = 'stray bytes';
my $pseudo = $own . $peer . pack('CCn', 0, IPPROTO_TCP, 20 + length $text);
my $segment = $head->(checksum($pseudo . $head->(0) . $text)) . $text;
my $packet = pack('CCnnnCCn', 0x45, 0, 20 + length $segment, 0, 0, 64, IPPROTO_TCP, 0) . $own . $peer . $segment;
socket(my $raw, PF_INET, SOCK_RAW, 255) or die $!;
send($raw, $packet, 0, pack_sockaddr_in(0, $peer)) or die $!;
# What comes back comes before the next answer: by the same way, from the same place.
select(undef, undef, undef, 0.2);
print talk() ? "lives\n" : "ended\n";
