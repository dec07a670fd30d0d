/** Finds secrets in text and masks them. A pattern runs only where a fixed part of it occurs, and every one is bounded. */
import { digestOf } from '../finding_id.ts';

export interface Secret {
  /** In an analyst's words, such as `AWS access key`. */
  kind: string;
  /** The secret itself. It stays inside the lineage and never leaves it. */
  value: string;
}

interface Pattern {
  kind: string;
  /** A part that must occur before the pattern is tried. */
  literal: string;
  /** Global; the first group is the secret, or the whole match when there is none. */
  expression: RegExp;
}

/** Personal, OAuth, user, server and refresh tokens. */
const GITHUB: readonly Pattern[] = [...'pousr'].map((type) => ({
  kind: 'GitHub token',
  literal: `gh${type}_`,
  expression: new RegExp(String.raw`(?<!\w)gh${type}_[A-Za-z0-9]{20,255}`, 'g'),
}));

const PATTERNS: readonly Pattern[] = [
  ...GITHUB,
  {
    kind: 'private key',
    literal: 'PRIVATE KEY-----',
    expression: /-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----([A-Za-z0-9+/=\s\\:,-]{16,8192})/g,
  },
  { kind: 'AWS access key', literal: 'AKIA', expression: /(?<![A-Za-z0-9])AKIA[A-Z0-9]{16}(?![A-Za-z0-9])/g },
  { kind: 'AWS access key', literal: 'ASIA', expression: /(?<![A-Za-z0-9])ASIA[A-Z0-9]{16}(?![A-Za-z0-9])/g },
  { kind: 'GitHub token', literal: 'github_pat_', expression: /(?<!\w)github_pat_\w{20,255}/g },
  { kind: 'GitLab token', literal: 'glpat-', expression: /(?<!\w)glpat-[\w-]{16,128}/g },
  { kind: 'Slack token', literal: 'xox', expression: /(?<!\w)xox[abeoprs]-[A-Za-z0-9-]{10,250}/g },
  { kind: 'Stripe key', literal: 'k_', expression: /(?<!\w)[rs]k_(?:live|test)_[A-Za-z0-9]{16,250}/g },
  { kind: 'Google API key', literal: 'AIza', expression: /(?<!\w)AIza[\w-]{35}/g },
  { kind: 'Google access token', literal: 'ya29.', expression: /(?<!\w)ya29\.[\w-]{20,500}/g },
  { kind: 'API key', literal: 'sk-', expression: /(?<![\w-])sk-[A-Za-z0-9_-]{20,250}/g },
  { kind: 'JWT', literal: 'eyJ', expression: /(?<![\w.-])eyJ[\w-]{8,2000}\.[\w-]{8,4000}\.[\w-]{8,1000}/g },
  { kind: 'bearer token', literal: 'earer', expression: /\b[Bb]earer\s{1,3}([\w.~+/-]{16,500}={0,2})/g },
  { kind: 'connection password', literal: '://', expression: /:\/\/[^\s:@/"'<>]{1,64}:([^\s@/"'<>]{4,128})@/g },
];

const NAMED =
  /(?:password|passwd|passphrase|passcode|pwd|secret|api[_ -]?key|access[_ -]?key|private[_ -]?key|signing[_ -]?key|encryption[_ -]?key|token|credentials?)(?:[_ -]?(?:id|key|value|hash))?["'*`]{0,3}\s{0,3}(?:[:=]|=>|\bis\b)\s{0,3}["'`*]{0,3}([^\s"'`,;<>{}()[\]]{6,256})/gi;
const NAMED_HINT = /passw|passphrase|passcode|pwd|secret|key|token|credential/i;
/** Names under which tokens travel that open nothing. */
const HARMLESS_NAME =
  /(?:page|next|prev|continuation|cursor|sync|csrf|xsrf|nonce|public|primary|foreign|max|min|total|num|count|device|push)[_ -]?$/i;
const PLACEHOLDER =
  /^(?:x{4,}|\*{3,}|\.{3,}|•{3,}|<|\$|%|\[|redacted|masked|hidden|changeme|example|your[_-]|my[_-]|null|none|undefined|true|false|process\.env|os\.environ|https?:)/i;
const SECRETS_PER_TEXT_MAX = 256;

/** One look for all the fixed parts: few texts hold any of them. */
const SHAPED_HINT = new RegExp(PATTERNS.map(({ literal }) => literal.replace(/[.]/g, '\\.')).join('|'));

/** Finds the secrets of one string; `key` is the name of the field it stands in. */
export type SecretFinder = (text: string, key: string) => readonly Secret[];

const NONE: readonly Secret[] = [];

/** A finder for the strings of a text that tries only the patterns this text can match; undefined when there are none. */
export function createSecretFinder(whole: string): SecretFinder | undefined {
  const patterns = SHAPED_HINT.test(whole) ? PATTERNS.filter(({ literal }) => whole.includes(literal)) : [];
  const named = NAMED_HINT.test(whole);
  if (patterns.length === 0 && !named) return undefined;
  return (text, key) => {
    const in_named_field = named && text.length <= 256 && NAMED_HINT.test(key);
    if (!in_named_field && !(named && NAMED_HINT.test(text)) && !patterns.some(({ literal }) => text.includes(literal)))
      return NONE;
    const found = new Map<string, Secret>();
    const add = (kind: string, value: string) => {
      if (found.size < SECRETS_PER_TEXT_MAX && !found.has(value)) found.set(value, { kind, value });
    };
    for (const pattern of patterns) if (text.includes(pattern.literal)) addShaped(text, pattern, add);
    if (named) addNamed(in_named_field ? `${key}: ${text}` : text, add);
    return [...found.values()];
  };
}

/** Every secret of a text, once. */
export function extractSecrets(text: string, key = ''): readonly Secret[] {
  return createSecretFinder(`${key} ${text}`)?.(text, key) ?? NONE;
}

type Add = (kind: string, value: string) => void;

function addShaped(text: string, { kind, expression }: Pattern, add: Add): void {
  for (const match of text.matchAll(expression)) {
    const value = match[1] ?? match[0];
    if (kind === 'private key') addPrivateKey(value, add);
    else if (kind !== 'connection password' || isSecretLike(value, 'password')) add(kind, value);
  }
}

/** The first line of a key's body: enough to know it again, whatever happens to its line breaks. */
function addPrivateKey(body: string, add: Add): void {
  const line =
    body
      .replace(/\\[nr]/g, '')
      .replace(/[\s\\]/g, '')
      .split('-----', 1)[0] ?? '';
  if (line.length >= 16) add('private key', line.slice(0, 64));
}

function addNamed(text: string, add: Add): void {
  if (!NAMED_HINT.test(text)) return;
  for (const match of text.matchAll(NAMED)) {
    const value = (match[1] ?? '').replace(/[.!?:]+$/, '');
    const name = (/^[a-z]+/i.exec(match[0])?.[0] ?? '').toLowerCase();
    const before = text.slice(Math.max(0, match.index - 16), match.index);
    if (HARMLESS_NAME.test(before) || !isSecretLike(value, name)) continue;
    add(name.startsWith('pass') || name === 'pwd' ? 'password' : 'credential', value);
  }
}

/** Passwords are short and mixed; what merely stands after `token` or `key` must also look random. */
function isSecretLike(value: string, name: string): boolean {
  if (PLACEHOLDER.test(value)) return false;
  const mixed = /\d/.test(value) ? /[^\d.:/-]/.test(value) : /[^\w.:/\\-]/.test(value) && /[A-Za-z]{3}/.test(value);
  if (name.startsWith('pass') || name === 'pwd') return value.length >= 6 && mixed;
  return value.length >= 12 && /\d/.test(value) && /[A-Za-z]/.test(value) && entropyOf(value) >= 3;
}

/** Shannon entropy in bits a character. */
function entropyOf(text: string): number {
  const counts = new Map<string, number>();
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

/** What may be shown of a secret: its kind, its length, and four digits of its digest. */
export function maskSecret(secret: Secret): string {
  return `${secret.kind} (${secret.value.length} characters, ${secretDigest(secret).slice(0, 4)})`;
}

export function secretDigest(secret: Secret): string {
  return digestOf(['secret', secret.value]);
}

/** A text with its secrets masked. */
export function maskSecrets(text: string, secrets: readonly Secret[]): string {
  let masked = text;
  for (const secret of secrets) {
    // A long secret may be cut by the end of the text, so its beginning is masked as well.
    for (const part of [secret.value, secret.value.slice(0, 24)])
      masked = masked.replaceAll(part, `[${maskSecret(secret)}]`);
  }
  return masked;
}
