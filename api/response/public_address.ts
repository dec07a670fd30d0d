/**
 * Which addresses a webhook may be sent to. Whoever can make a subscription must not reach machines that only this one
 * can reach: so every address that is not public is refused, also those that hide one inside of IPv6.
 */
import { BlockList, isIP, isIPv4 } from 'node:net';

// https://www.iana.org/assignments/iana-ipv4-special-registry: everything that is not globally reachable.
const NOT_PUBLIC_4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10', // shared by a carrier's customers
  '127.0.0.0/8',
  '169.254.0.0/16', // link-local, and where clouds answer for a machine's own metadata
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4', // reserved, and broadcast
];
/** All that is given out to the public lies in here ... */
const GIVEN_OUT_6 = ['2000::/3'];
/** ... but for these, which are special or carry an IPv4 address. */
const NOT_PUBLIC_6 = [
  '2001::/23', // among them Teredo, which carries IPv4
  '2001:db8::/32',
  '2002::/16', // 6to4, which carries IPv4
  '2620:4f:8000::/48',
  '3fff::/20',
  '5f00::/16',
];

function listOf(subnets: readonly string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address = '', bits] = subnet.split('/');
    list.addSubnet(address, Number(bits), family);
  }
  return list;
}

const not_public_4 = listOf(NOT_PUBLIC_4, 'ipv4');
const given_out_6 = listOf(GIVEN_OUT_6, 'ipv6');
const not_public_6 = listOf(NOT_PUBLIC_6, 'ipv6');

/** Whether an IP address, as text, may be reached by anybody on the internet. What is no address is not. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0) return false;
  if (isIPv4(address)) return !not_public_4.check(address, 'ipv4');
  return given_out_6.check(address, 'ipv6') && !not_public_6.check(address, 'ipv6');
}
