/**
 * Secrets by their shape, and the placeholder that stands for each. A placeholder keeps the public beginning by which the
 * kind is known, so that what follows a value still sees a secret of this kind, and equal secrets stay equal.
 */

export interface SecretShape {
  kind: string;
  /** A part that must occur before the expression is tried. */
  literal: string;
  /** Global and bounded; the first group is the secret, or the whole match where there is none. */
  expression: RegExp;
  /** The placeholder of a secret whose keyed digest is 32 hexadecimal digits. */
  placeholder(secret: string, digest: string): string;
}

export const MARK = 'tw-redacted-';
/** Where a placeholder has no room for the whole mark. */
const SHORT_MARK = 'twredacted';
const AWS_MARK = 'TWRD';

/** Whether a text holds a placeholder already. */
export function isRedacted(text: string): boolean {
  return text.includes(MARK) || text.includes(SHORT_MARK) || text.includes(AWS_MARK);
}

const plain = (_secret: string, digest: string) => `${MARK}${digest}`;
const after = (beginning: RegExp) => (secret: string, digest: string) =>
  `${beginning.exec(secret)?.[0] ?? ''}${SHORT_MARK}${digest}`;

export const SECRET_SHAPES: readonly SecretShape[] = [
  ...[...'pousr'].map((type) => ({
    kind: 'github_token',
    literal: `gh${type}_`,
    expression: new RegExp(String.raw`(?<!\w)gh${type}_[A-Za-z0-9]{20,255}`, 'g'),
    placeholder: after(/^gh._/),
  })),
  {
    kind: 'github_token',
    literal: 'github_pat_',
    expression: /(?<!\w)github_pat_\w{20,255}/g,
    placeholder: after(/^github_pat_/),
  },
  {
    kind: 'private_key',
    literal: 'PRIVATE KEY-----',
    expression: /-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----([A-Za-z0-9+/=\s\\:,-]{16,16384}?)(?=-----END|$)/g,
    placeholder: plain,
  },
  ...['AKIA', 'ASIA'].map((literal) => ({
    kind: 'aws_access_key',
    literal,
    expression: new RegExp(`(?<![A-Za-z0-9])${literal}[A-Z0-9]{16}(?![A-Za-z0-9])`, 'g'),
    placeholder: (_secret: string, digest: string) => `${literal}${AWS_MARK}${digest.slice(0, 12).toUpperCase()}`,
  })),
  {
    kind: 'gitlab_token',
    literal: 'glpat-',
    expression: /(?<!\w)glpat-[\w-]{16,128}/g,
    placeholder: after(/^glpat-/),
  },
  {
    kind: 'slack_token',
    literal: 'xox',
    expression: /(?<!\w)xox[abeoprs]-[A-Za-z0-9-]{10,250}/g,
    placeholder: after(/^xox.-/),
  },
  {
    kind: 'stripe_key',
    literal: 'k_',
    expression: /(?<!\w)[rs]k_(?:live|test)_[A-Za-z0-9]{16,250}/g,
    placeholder: after(/^.k_(?:live|test)_/),
  },
  {
    kind: 'google_api_key',
    literal: 'AIza',
    expression: /(?<!\w)AIza[\w-]{35}/g,
    placeholder: (_secret, digest) => `AIza${SHORT_MARK}${digest.slice(0, 25)}`,
  },
  {
    kind: 'google_access_token',
    literal: 'ya29.',
    expression: /(?<!\w)ya29\.[\w-]{20,500}/g,
    placeholder: after(/^ya29\./),
  },
  { kind: 'api_key', literal: 'sk-', expression: /(?<![\w-])sk-[A-Za-z0-9_-]{20,250}/g, placeholder: after(/^sk-/) },
  {
    kind: 'jwt',
    literal: 'eyJ',
    expression: /(?<![\w.-])eyJ[\w-]{8,4000}\.[\w-]{8,8000}\.[\w-]{8,1000}/g,
    placeholder: (_secret, digest) => `eyJ${SHORT_MARK}.${digest.slice(0, 16)}.${digest.slice(16)}`,
  },
  {
    kind: 'bearer_token',
    literal: 'earer',
    expression: /\b[Bb]earer\s{1,3}([\w.~+/-]{16,2000}={0,2})/g,
    placeholder: plain,
  },
  {
    kind: 'connection_password',
    literal: '://',
    expression: /:\/\/[^\s:@/"'<>]{1,64}:([^\s@/"'<>]{4,128})@/g,
    placeholder: plain,
  },
];
