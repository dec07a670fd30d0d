/**
 * Makes a value fit to leave the host: secrets become placeholders with a digest under a key that stays here, long blobs
 * become digest and size, and what no record may hold (half characters, bottomless nesting) is put right.
 */
import { createHash, createHmac } from 'node:crypto';
import { LIMITS } from '../../core/limits.ts';
import { isRedacted, MARK, SECRET_SHAPES } from './secret_shapes.ts';

/** Finds the parts of a text that an operator wants out; linear in time, whoever wrote it. */
export type PatternMatcher = (text: string) => Iterable<{ start: number; end: number }>;

export interface RedactionRules {
  /** Names of fields whose whole value goes, beside those that are always out; case does not matter. */
  fields: readonly string[];
  patterns: readonly PatternMatcher[];
  /** Texts with more bytes keep digest and size alone. */
  text_bytes_max: number | undefined;
}

export const NO_RULES: RedactionRules = { fields: [], patterns: [], text_bytes_max: undefined };

export interface Cleaned {
  value: unknown;
  /** How often each kind was taken out; undefined when nothing was. */
  redacted: Record<string, number> | undefined;
  /** Whether blobs or long texts were replaced by digest and size. */
  shortened: boolean;
}

const SECRET_FIELD =
  /^(?:x[-_])?(?:proxy[-_])?(?:authorization|cookie|set[-_]cookie|passw(?:or)?d|passphrase|passcode|pwd|secret|token|credentials?|bearer|(?:client|app|consumer|shared|webhook)[-_ ]?secret|(?:api|access|private|signing|encryption|secret|auth|account)[-_ ]?key|(?:access|refresh|id|auth|api|session|security|bot|personal[-_ ]access)[-_ ]?token)$/i;
const NAMED =
  /(passw(?:or)?d|passphrase|passcode|pwd|secret|api[_ -]?key|access[_ -]?key|private[_ -]?key|signing[_ -]?key|encryption[_ -]?key|token|credentials?)(?:[_ -]?(?:key|value))?["'*`]{0,3}\s{0,3}(?::|=>?)\s{0,3}["'`*]{0,3}([^\s"'`,;<>{}()[\]]{6,256})/gi;
const NAMED_HINT = /passw|passphrase|passcode|pwd|secret|key|token|credential/i;
const SHAPED_HINT = new RegExp(SECRET_SHAPES.map(({ literal }) => literal.replace(/[.]/g, '\\.')).join('|'));
const SCHEME = /^(?:Bearer|Basic|Token|Digest)\s+/i;
/** Levels that are kept as they are; the service takes 64 of a whole event. */
const DEPTH_MAX = 48;

export class Redactor {
  private readonly key: Buffer;
  private readonly rules: RedactionRules;
  private readonly fields: ReadonlySet<string>;
  private counts: Record<string, number> = {};
  private shortened = false;

  constructor(key: Buffer, rules: RedactionRules = NO_RULES) {
    this.key = key;
    this.rules = rules;
    this.fields = new Set(rules.fields.map((field) => field.toLowerCase()));
  }

  /** A copy that may leave the host. Never throws for a value that JSON text gave. */
  clean(value: unknown): Cleaned {
    this.counts = {};
    this.shortened = false;
    const cleaned = this.walk(value, 0);
    const redacted = Object.keys(this.counts).length > 0 ? this.counts : undefined;
    return { value: cleaned, redacted, shortened: this.shortened };
  }

  private walk(value: unknown, depth: number): unknown {
    if (typeof value === 'string') return this.text(value);
    if (typeof value !== 'object' || value === null) return value;
    if (depth >= DEPTH_MAX) return this.text(JSON.stringify(value));
    if (Array.isArray(value)) return value.map((item) => this.walk(item, depth + 1));
    const copy: Record<string, unknown> = {};
    for (const [name, member] of Object.entries(value)) {
      const cleaned = this.member(name, member, value as Record<string, unknown>, depth);
      Object.defineProperty(copy, name.toWellFormed(), {
        value: cleaned,
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return copy;
  }

  private member(name: string, member: unknown, owner: Record<string, unknown>, depth: number): unknown {
    if (this.fields.has(name.toLowerCase())) return this.whole(member, 'field');
    if (SECRET_FIELD.test(name)) return this.secretField(member, depth);
    if (typeof member === 'string' && member.length > LIMITS.wrap_binary_bytes_max && isBlob(name, owner)) {
      return this.digestOnly(member);
    }
    return this.walk(member, depth + 1);
  }

  /** A field that is named like a secret: all its texts go, whatever they look like. */
  private secretField(member: unknown, depth: number): unknown {
    if (typeof member === 'string') {
      if (member.length < 4) return member;
      const shaped = this.shapes(member);
      if (shaped !== member) return shaped;
      const scheme = SCHEME.exec(member)?.[0] ?? '';
      return `${scheme}${this.placeholder(member.slice(scheme.length), 'field')}`;
    }
    if (typeof member !== 'object' || member === null || depth >= DEPTH_MAX) return member;
    if (Array.isArray(member)) return member.map((item) => this.secretField(item, depth + 1));
    return this.walk(member, depth + 1);
  }

  private whole(member: unknown, kind: string): unknown {
    if (member === null || member === undefined) return member;
    return this.placeholder(typeof member === 'string' ? member : JSON.stringify(member), kind);
  }

  private text(text: string): string {
    let cleaned = text.toWellFormed();
    for (const matcher of this.rules.patterns) cleaned = this.replaceMatches(cleaned, matcher);
    cleaned = this.named(this.shapes(cleaned));
    const { text_bytes_max } = this.rules;
    if (text_bytes_max !== undefined && Buffer.byteLength(cleaned) > text_bytes_max) return this.digestOnly(text);
    return cleaned;
  }

  private replaceMatches(text: string, matcher: PatternMatcher): string {
    let cleaned = '';
    let from = 0;
    for (const { start, end } of matcher(text)) {
      if (end <= start || start < from) continue;
      cleaned += `${text.slice(from, start)}${this.placeholder(text.slice(start, end), 'pattern')}`;
      from = end;
    }
    return from === 0 ? text : cleaned + text.slice(from);
  }

  private shapes(text: string): string {
    if (!SHAPED_HINT.test(text)) return text;
    let cleaned = text;
    for (const { kind, literal, expression, placeholder } of SECRET_SHAPES) {
      if (!cleaned.includes(literal)) continue;
      cleaned = cleaned.replace(expression, (match: string, group: unknown) => {
        const secret = typeof group === 'string' ? group : match;
        if (isRedacted(secret)) return match;
        this.count(kind);
        return match.replace(secret, () => placeholder(secret, this.digest(secret)));
      });
    }
    return cleaned;
  }

  private named(text: string): string {
    if (!NAMED_HINT.test(text)) return text;
    return text.replace(NAMED, (match: string, name: string, value: string) => {
      if (isRedacted(value) || !isSecretLike(value, name.toLowerCase())) return match;
      return `${match.slice(0, match.length - value.length)}${this.placeholder(value, 'named')}`;
    });
  }

  private digestOnly(text: string): string {
    this.shortened = true;
    const bytes = Buffer.from(text);
    return `[${bytes.length} bytes left out, sha256 ${createHash('sha256').update(bytes).digest('hex')}]`;
  }

  private placeholder(secret: string, kind: string): string {
    this.count(kind);
    return `${MARK}${this.digest(secret)}`;
  }

  private digest(secret: string): string {
    return createHmac('sha256', this.key).update(secret).digest('hex').slice(0, 32);
  }

  private count(kind: string): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
  }
}

/** Base64 in a block of an image, of sound or of a resource. */
function isBlob(name: string, owner: Record<string, unknown>): boolean {
  return name === 'blob' || (name === 'data' && (owner.type === 'image' || owner.type === 'audio'));
}

/** Passwords are short and mixed; what merely stands after `token` or `key` must look random. */
function isSecretLike(value: string, name: string): boolean {
  if (/^(?:x{4,}|\*{3,}|\.{3,}|<|\$|%|\[|null|none|undefined|true|false|process\.env|os\.environ|https?:)/i.test(value))
    return false;
  const mixed = /\d/.test(value) ? /[^\d.:/-]/.test(value) : /[^\w.:/\\-]/.test(value) && /[A-Za-z]{3}/.test(value);
  if (name.startsWith('pass') || name === 'pwd') return mixed;
  return value.length >= 12 && /\d/.test(value) && /[A-Za-z]/.test(value);
}
