/** Addresses and networks of IPv4 and IPv6. */

/** An address as bytes: 4 or 16. */
type Address = readonly number[];

export interface Network {
  bytes: Address;
  bits: number;
}

const ADDRESS_CHARS_MAX = 45;

/** Reads `10.0.0.0/8` or `2001:db8::/32`; a bare address is a network of one. Undefined when it is neither. */
export function parseNetwork(text: string): Network | undefined {
  const [address = '', bits_text, ...more] = text.split('/');
  const bytes = parseAddress(address);
  if (bytes === undefined || more.length > 0) return undefined;
  const bits = bits_text === undefined ? bytes.length * 8 : /^\d{1,3}$/.test(bits_text) ? Number(bits_text) : -1;
  return bits < 0 || bits > bytes.length * 8 ? undefined : { bytes, bits };
}

/** Whether a text is an address of the same family that lies in the network. */
export function inNetwork(text: string, network: Network): boolean {
  const bytes = parseAddress(text);
  if (bytes === undefined || bytes.length !== network.bytes.length) return false;
  for (let at = 0; at * 8 < network.bits; at++) {
    const shared = Math.min(8, network.bits - at * 8);
    const mask = (0xff << (8 - shared)) & 0xff;
    if (((bytes[at] ?? 0) & mask) !== ((network.bytes[at] ?? 0) & mask)) return false;
  }
  return true;
}

function parseAddress(text: string): Address | undefined {
  if (text.length > ADDRESS_CHARS_MAX) return undefined;
  return text.includes(':') ? parseV6(text) : parseV4(text);
}

function parseV4(text: string): Address | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const bytes = parts.map((part) => (/^(0|[1-9]\d{0,2})$/.test(part) ? Number(part) : 256));
  return bytes.every((byte) => byte < 256) ? bytes : undefined;
}

function parseV6(text: string): Address | undefined {
  const halves = text.split('::');
  if (halves.length > 2 || (halves.length === 2 && halves[0]?.includes('.'))) return undefined;
  const [head, tail] = [groupsOf(halves[0] ?? ''), groupsOf(halves[1] ?? '')];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 2) return undefined;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

/** The bytes of groups of four hex digits; the last may be an IPv4 address. */
function groupsOf(text: string): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [at, group] of groups.entries()) {
    if (group.includes('.')) {
      const last = at === groups.length - 1 ? parseV4(group) : undefined;
      if (last === undefined) return undefined;
      bytes.push(...last);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes;
}
