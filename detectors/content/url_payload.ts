/** What the links and images of a text carry in their addresses beside the place they point to. */
import { hostOf } from '../lineage/normalise.ts';
import { decodePercent } from './encoded_passages.ts';

export interface Link {
  url: string;
  /** Loaded without anybody's click. */
  image: boolean;
}

export interface Payload {
  host: string;
  /** What query, fragment and long parts of the path say once they are decoded. */
  texts: string[];
  /** Characters that came out of base64 or hex and are text. */
  encoded_chars: number;
}

const LINKS_MAX = 64;
const URL_CHARS_MAX = 4_096;
const PART_CHARS_MIN = 12;
const LINK =
  /(!?)\[[^[\]\n]{0,300}\]\(\s{0,4}<?(https?:\/\/[^\s()<>]{4,4096})|<img\b[^<>]{0,500}?\bsrc\s{0,4}=\s{0,4}\\?["']?(https?:\/\/[^\s"'<>\\]{4,4096})|^[ \t]{0,4}\[[^[\]\n]{1,100}\]:\s{0,8}(https?:\/\/\S{4,4096})|(https?:\/\/[^\s"'<>)\]}\\]{4,4096})/gim;

/** Links and images in Markdown and HTML, and bare addresses; of one text the first. */
export function findLinks(text: string): Link[] {
  const links: Link[] = [];
  // What stands in `![a][b]` is an image whose address follows elsewhere.
  const referred = /!\[[^[\]\n]{0,300}\]\s?\[/.test(text);
  for (const match of text.matchAll(LINK)) {
    if (links.length >= LINKS_MAX) break;
    const [, mark, markdown, html, reference, bare] = match;
    const url = (markdown ?? html ?? reference ?? bare ?? '').slice(0, URL_CHARS_MAX);
    links.push({ url, image: mark === '!' || html !== undefined || (reference !== undefined && referred) });
  }
  return links;
}

/** What an address carries; undefined when it is no address. */
export function payloadOf(url: string): Payload | undefined {
  const host = hostOf(url);
  if (host === undefined) return undefined;
  const rest = url.slice(url.indexOf('://') + 3);
  const cut = rest.search(/[/?#]/);
  if (cut < 0) return { host, texts: [], encoded_chars: 0 };
  const payload: Payload = { host, texts: [], encoded_chars: 0 };
  for (const part of rest.slice(cut).split(/[/?#&;]/)) {
    const value = part.slice(part.indexOf('=', 1) + 1);
    if (value.length >= PART_CHARS_MIN) addPart(payload, value);
    else if (value.length >= 4) payload.texts.push(value);
  }
  return payload;
}

function addPart(payload: Payload, value: string): void {
  const plain = decodePercent(value);
  payload.texts.push(plain);
  for (const text of [value, plain]) {
    const decoded = decodeWhole(text);
    if (decoded === '') continue;
    payload.texts.push(decoded);
    payload.encoded_chars += decoded.length;
    return;
  }
}

/** A whole value in base64 or hex that is text, or empty. */
function decodeWhole(text: string): string {
  const run = text.replace(/\.(?:png|gif|jpe?g|svg|webp)$/i, '');
  if (run.length < PART_CHARS_MIN * 2 || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(run)) return '';
  const hex = /^[0-9A-Fa-f]+$/.test(run) && run.length % 2 === 0;
  // Base64 of text mixes capitals and small letters.
  if (!hex && !(/[a-z]/.test(run) && /[A-Z]/.test(run))) return '';
  const decoded = Buffer.from(run, hex ? 'hex' : 'base64').toString('utf8');
  const odd = decoded.match(/[^\x20-\x7e\n\r\t\u00a0-\u024f]/g)?.length ?? 0;
  return odd <= decoded.length * 0.05 ? decoded : '';
}

/** Words of a text, as far as they are words of a language. */
export function wordCount(text: string): number {
  return text.match(/(?:^|\s)[A-Za-z]{2,}(?=[\s,.:;!?]|$)/g)?.length ?? 0;
}
