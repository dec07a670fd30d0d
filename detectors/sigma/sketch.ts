/**
 * Which runs of three characters a text holds, as a small bit field: made once for a text, it spares the search for
 * most of the literals that many rules look for. It may say yes wrongly, and never no.
 */

const BITS = 32_768;
const RUN_CHARS = 3;

export class Sketch {
  private readonly words = new Uint32Array(BITS / 32);

  /** Turns to other texts. */
  fill(texts: readonly string[]): void {
    const { words } = this;
    words.fill(0);
    for (const text of texts) {
      let before = charAt(text, 0);
      let last = charAt(text, 1);
      for (let at = RUN_CHARS - 1; at < text.length; at++) {
        const next = charAt(text, at);
        const hash = hashOf(before, last, next);
        words[hash >>> 5] = (words[hash >>> 5] as number) | (1 << (hash & 31));
        before = last;
        last = next;
      }
    }
  }

  /** Whether one of the texts may hold a literal, given by `runsOf`. */
  mayHold(runs: Uint16Array): boolean {
    for (let at = 0; at < runs.length; at++) {
      const hash = runs[at] as number;
      if (((this.words[hash >>> 5] as number) & (1 << (hash & 31))) === 0) return false;
    }
    return true;
  }
}

/** The runs of a literal; none when it is too short to have one, and then it may always be held. */
export function runsOf(literal: string): Uint16Array {
  const runs = new Uint16Array(Math.max(0, literal.length - RUN_CHARS + 1));
  for (let at = 0; at < runs.length; at++) {
    runs[at] = hashOf(charAt(literal, at), charAt(literal, at + 1), charAt(literal, at + 2));
  }
  return runs;
}

/** A long s counts as an s, as it does for RE2 when case is ignored. */
function charAt(text: string, at: number): number {
  const char = text.charCodeAt(at);
  return char === 0x17f ? 0x73 : char;
}

function hashOf(a: number, b: number, c: number): number {
  return Math.imul((a * 131 + b) * 131 + c, 0x9e3779b1) >>> 17;
}
