/**
 * Literals that a text must hold for an expression to be found in it. Looking for them is far cheaper than the
 * expression, and most texts end there. What this reader does not fully understand yields no literals, never wrong ones.
 */

/** Every text in which the expression is found holds at least one of these. */
export interface RequiredLiterals {
  any: string[];
}

const LITERAL_CHARS_MIN = 2;
const LITERALS_MAX = 16;
const SIMPLE_ESCAPES: Record<string, string> = { t: '\t', n: '\n', r: '\r', f: '\f', v: '\v', a: '\u0007' };
const CLASS_ESCAPES = 'dDwWsS';
const ZERO_WIDTH_ESCAPES = 'bBAz';

/** What is known of a part of an expression. */
interface Part {
  /** It matches this text and nothing else. */
  exact?: string;
  /** Whatever it matches holds one of these. */
  any?: string[];
  /** Whatever it matches begins and ends with this. */
  edge?: string;
}

/** Something this reader does not judge. */
class NotUnderstood extends Error {}

/**
 * The literals of an expression that RE2 accepts, or undefined. With `ignore_case` they are in lower case and hold
 * for texts folded by `foldForRegex`.
 */
export function requiredLiterals(pattern: string, ignore_case: boolean): RequiredLiterals | undefined {
  try {
    const reader = new Reader(pattern, ignore_case);
    const whole = reader.alternatives();
    if (!reader.done()) return undefined;
    const any = literalsOf(whole);
    return any === undefined || any.some((literal) => literal.length < LITERAL_CHARS_MIN) ? undefined : { any };
  } catch (error) {
    if (error instanceof NotUnderstood) return undefined;
    throw error;
  }
}

class Reader {
  private at = 0;
  private readonly chars: readonly string[];
  private readonly ignore_case: boolean;

  constructor(pattern: string, ignore_case: boolean) {
    this.chars = [...pattern];
    this.ignore_case = ignore_case;
  }

  done(): boolean {
    return this.at >= this.chars.length;
  }

  alternatives(): Part {
    const branches = [this.sequence()];
    while (this.peek() === '|') {
      this.at++;
      branches.push(this.sequence());
    }
    const [only] = branches;
    if (branches.length === 1 && only !== undefined) return only;
    const each = branches.map(literalsOf);
    if (!each.every((any) => any !== undefined)) return {};
    const any = [...new Set(each.flat())];
    return any.length > LITERALS_MAX ? {} : { any };
  }

  /** Joins neighbours into runs and keeps the best of what they require. */
  private sequence(): Part {
    let run = '';
    let exact = true;
    let best: string[] | undefined;
    const consider = (any: string[] | undefined): void => {
      if (any !== undefined && worth(any) > worth(best)) best = any;
    };
    while (!this.done() && this.peek() !== '|' && this.peek() !== ')') {
      const part = this.repeated();
      if (part.exact !== undefined) {
        run += part.exact;
        continue;
      }
      exact = false;
      const { edge = '', any } = part;
      consider(run + edge === '' ? undefined : [run + edge]);
      consider(any);
      run = edge;
    }
    if (exact) return { exact: run };
    consider(run === '' ? undefined : [run]);
    return best === undefined ? {} : { any: best };
  }

  private repeated(): Part {
    const part = this.atom();
    const least = this.quantifier();
    if (least === undefined) return part;
    const any = least > 0 ? literalsOf(part) : undefined;
    if (any === undefined) return {};
    return part.exact === undefined ? { any } : { any, edge: part.exact };
  }

  /** How often at least, or undefined when nothing is repeated. */
  private quantifier(): number | undefined {
    let least: number | undefined;
    const next = this.peek();
    if (next === '*' || next === '?') least = 0;
    else if (next === '+') least = 1;
    else if (next === '{') {
      const bounds = /^\{(\d+)(?:,\d*)?\}/.exec(this.chars.slice(this.at, this.at + 16).join(''));
      if (bounds === null) return undefined; // a brace that stands for itself
      this.at += bounds[0].length - 1;
      least = Number(bounds[1]);
    }
    if (least === undefined) return undefined;
    this.at++;
    if (this.peek() === '?') this.at++;
    if (this.quantifier() !== undefined) throw new NotUnderstood();
    return least;
  }

  private atom(): Part {
    const char = this.next();
    if (char === '(') return this.group();
    if (char === '[') return this.charClass();
    if (char === '.') return {};
    if (char === '^' || char === '$') return { exact: '' };
    if (char === '\\') return this.escape();
    if ('*+?'.includes(char)) throw new NotUnderstood();
    return this.literal(char);
  }

  private group(): Part {
    if (this.peek() === '?') {
      const opening = /^\?(?::|P?<[A-Za-z_]\w*>)/.exec(this.chars.slice(this.at, this.at + 300).join(''));
      if (opening === null) throw new NotUnderstood(); // flags, or something that looks around
      this.at += opening[0].length;
    }
    const inside = this.alternatives();
    if (this.next() !== ')') throw new NotUnderstood();
    return inside;
  }

  private charClass(): Part {
    if (this.peek() === '^') this.at++;
    if (this.peek() === ']') this.at++;
    for (;;) {
      const char = this.next();
      if (char === ']') return {};
      if (char === '\\') {
        if (this.next() === 'Q') throw new NotUnderstood();
      } else if (char === '[' && this.peek() === ':') {
        const named = /^:\^?[a-z]+:\]/.exec(this.chars.slice(this.at, this.at + 16).join(''));
        if (named === null) throw new NotUnderstood();
        this.at += named[0].length;
      }
    }
  }

  private escape(): Part {
    const char = this.next();
    if (CLASS_ESCAPES.includes(char)) return {};
    if (ZERO_WIDTH_ESCAPES.includes(char)) return { exact: '' };
    const simple = SIMPLE_ESCAPES[char];
    if (simple !== undefined) return this.literal(simple);
    if (/^[!-/:-@[-`{-~]$/.test(char)) return this.literal(char);
    throw new NotUnderstood();
  }

  private literal(char: string): Part {
    const code = char.codePointAt(0) ?? 0;
    if (code >= 0xd800 && code <= 0xdfff) throw new NotUnderstood(); // half of a character
    if (!this.ignore_case) return { exact: char };
    return code < 128 ? { exact: char.toLowerCase() } : {};
  }

  private peek(): string | undefined {
    return this.chars[this.at];
  }

  private next(): string {
    const char = this.chars[this.at++];
    if (char === undefined) throw new NotUnderstood();
    return char;
  }
}

function literalsOf(part: Part): string[] | undefined {
  if (part.exact !== undefined) return part.exact === '' ? undefined : [part.exact];
  return part.any;
}

/** The shortest one decides; with the same length, fewer are better. */
function worth(any: readonly string[] | undefined): number {
  if (any === undefined || any.length === 0) return 0;
  return Math.min(...any.map((literal) => literal.length)) - any.length / 1_000;
}
