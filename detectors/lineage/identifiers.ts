/**
 * Finds identifiers in text: ids such as `ORD-2231`, UUIDs, hashes, long numbers, file names and paths. Looks only at
 * the tokens that a scan has set apart, each of which is gone through a bounded number of times.
 */
import { mixed, type TextScan, TOKEN } from './text_scan.ts';

export type IdentifierForm = 'uuid' | 'hash' | 'number' | 'code' | 'path' | 'file' | 'url' | 'name';

export interface Identifier {
  form: IdentifierForm;
  start: number;
  end: number;
}

const TOKEN_CHARS_MAX = 512;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i;
const HEX = /^[0-9a-f]{7,}$/i;
const DATE = /^\d{1,4}([-/.])\d{1,2}\1\d{1,4}(?:$|T\d)/;
const ORDINAL = /^\d+(?:st|nd|rd|th|am|pm|x|k|m|b|s|h|d|kg|km|cm|mm|gb|mb|kb|ms|min|px|pt|usd|eur)$/i;
const CODE = /^(?=.*[A-Za-z])(?=.*\d)[A-Za-z0-9][\w.#+~/-]*$/;
const NUMBER_GROUPS = /^\d+(?:-\d+)+$/;
const ROOTED_PATH = /^(?:~|\.{1,2})?[/\\][^/\\]/;
const FILE_ENDING = /\.([A-Za-z][A-Za-z0-9]{0,4})$/;
const FILE_ENDINGS = new Set(
  `pdf doc docx odt rtf txt md csv tsv xls xlsx ods ppt pptx json yaml yml xml html htm log ini cfg conf env toml sql db
  sqlite py js ts jsx tsx mjs cjs java kt go rs rb php pl sh bash zsh ps1 bat c h cc cpp hpp cs swift scala lua r ipynb
  png jpg jpeg gif svg webp bmp tiff mp3 mp4 wav avi mov mkv zip tar gz tgz bz2 xz rar bak tmp pem key crt cer p12 pfx
  eml msg ics vcf parquet avro tf lock dll exe so jar war apk deb rpm iso img bin dat`.split(/\s+/),
);

/** The identifier that a token of the scan holds, or undefined. */
export function identifierAt(text: string, scan: TextScan, token: number): Identifier | undefined {
  const flags = scan.token_flags[token] as number;
  if ((flags & (TOKEN.digit | TOKEN.slash | TOKEN.dot)) === 0 || (flags & TOKEN.at) !== 0) return undefined;
  let start = scan.token_starts[token] as number;
  let end = scan.token_ends[token] as number;
  if (end - start > TOKEN_CHARS_MAX) return undefined;
  while (start < end && '#$*_+-'.includes(text.charAt(start))) start++;
  while (end > start && '.*_~+-$#'.includes(text.charAt(end - 1))) end--;
  if (end - start < 4) return undefined;
  const form = formOf(text.slice(start, end), flags);
  return form === undefined ? undefined : { form, start, end };
}

function formOf(token: string, flags: number): IdentifierForm | undefined {
  const letters = (flags & (TOKEN.lower | TOKEN.upper)) !== 0;
  if (!letters) return numberForm(token);
  if ((flags & TOKEN.slash) !== 0) return isPath(token) ? 'path' : undefined;
  if ((flags & TOKEN.dot) !== 0 && isFile(token)) return 'file';
  return (flags & TOKEN.digit) === 0 ? undefined : codeForm(token);
}

function numberForm(token: string): IdentifierForm | undefined {
  if (/^\d+$/.test(token)) return token.length >= 5 ? 'number' : undefined;
  if (DATE.test(token) || !NUMBER_GROUPS.test(token)) return undefined;
  return token.length >= 8 ? 'number' : undefined;
}

function codeForm(token: string): IdentifierForm | undefined {
  if (token.length === 36 && UUID.test(token)) return 'uuid';
  if (HEX.test(token)) return 'hash';
  if (ORDINAL.test(token) || DATE.test(token) || !CODE.test(token)) return undefined;
  // Letters with a single digit are as likely a word: "step1", "mp3".
  return token.replace(/\D/g, '').length >= 2 || /[-_]/.test(token) ? 'code' : undefined;
}

function isFile(token: string): boolean {
  const ending = FILE_ENDING.exec(token)?.[1];
  return ending !== undefined && FILE_ENDINGS.has(ending.toLowerCase());
}

/** A path is rooted, ends in a file, or goes down two steps at least; "and/or" is none. */
function isPath(token: string): boolean {
  if (token.startsWith('//')) return false; // what follows the colon of a URL
  if (ROOTED_PATH.test(token) && token.length >= 4) return true;
  if (isFile(token)) return true;
  const steps = token.split(/[/\\]/);
  return steps.length >= 3 && token.length >= 10 && steps.every((step) => step.length > 0) && !DATE.test(token);
}

const IDENTIFIER_SEED = 0x2f0b4a3d;

/** The hash of an identifier whatever its case. */
export function identifierHash(text: string, start: number, end: number): number {
  let hash = IDENTIFIER_SEED;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ folded(text.charCodeAt(at)), 0x01000193);
  return mixed(hash);
}

/** Whether two identifiers are the same whatever their case. */
export function sameIdentifier(one: string, from: number, other: string, start: number, end: number): boolean {
  for (let at = 0; at < end - start; at++) {
    if (folded(one.charCodeAt(from + at)) !== folded(other.charCodeAt(start + at))) return false;
  }
  return true;
}

function folded(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
}

/** The part of a URL that says which thing it names: without scheme, `www.`, fragment and closing slash. */
export function urlIdentifier(text: string, start: number, end: number): Identifier | undefined {
  const url = text.slice(start, end);
  const scheme = url.indexOf('://');
  let from = scheme < 0 ? 0 : scheme + 3;
  if (/^www\./i.test(url.slice(from, from + 4))) from += 4;
  const fragment = url.indexOf('#', from);
  let to = fragment < 0 ? url.length : fragment;
  while (to > from && url.charAt(to - 1) === '/') to--;
  const slash = url.indexOf('/', from);
  return slash >= 0 && slash < to ? { form: 'url', start: start + from, end: start + to } : undefined;
}
