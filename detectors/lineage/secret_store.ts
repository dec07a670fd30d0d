/** The secrets of one session: where each was read, whether the user's prompt held it, and where it goes. */
import { type Decoded, decodings } from './decode.ts';
import type { Edge, EventRef, LineageCounters } from './edge.ts';
import type { Leaf } from './leaves.ts';
import { maskSecret, type Secret, secretDigest } from './secrets.ts';

const SECRETS_MAX = 256;
/** A shorter secret counts only as a whole word, since a part of some other word may look the same. */
const WORD_CHARS_MAX = 12;

interface KnownSecret extends Secret {
  ref: EventRef;
  in_prompt: boolean;
}

/** An empty store. Raw secrets stay inside it. */
export function createSecretStore(counters: LineageCounters) {
  const known = new Map<string, KnownSecret>();
  return {
    /** Notes where a secret was read first. */
    add(secret: Secret, ref: EventRef, prompts: readonly string[]): void {
      if (known.has(secret.value)) return;
      if (known.size >= SECRETS_MAX) {
        for (const oldest of known.keys()) {
          known.delete(oldest);
          counters.evicted_values++;
          break;
        }
      }
      known.set(secret.value, { ...secret, ref, in_prompt: prompts.some((prompt) => prompt.includes(secret.value)) });
    },
    /** A secret that the user types is no news to the user. */
    seePrompt(text: string): void {
      for (const secret of known.values()) secret.in_prompt ||= text.includes(secret.value);
    },
    /** The edges of the secrets that a parameter holds, plain or encoded. */
    edgesTo(leaf: Leaf, to: EventRef, destination: boolean): Edge[] {
      if (known.size === 0) return [];
      const texts = decodings(leaf.text).map(compacted);
      const edges: Edge[] = [];
      for (const secret of known.values()) {
        const holder = texts.find(({ text, compact }) => holds(text, secret.value) || holds(compact, secret.value));
        if (holder !== undefined) edges.push(edgeOf(secret, leaf, to, destination, holder));
      }
      return edges;
    },
  };
}

function edgeOf(secret: KnownSecret, leaf: Leaf, to: EventRef, destination: boolean, holder: Decoded): Edge {
  return {
    from: secret.ref,
    to,
    path: leaf.path,
    destination,
    kind: 'secret',
    digest: secretDigest(secret),
    preview: maskSecret(secret),
    occurrence: 'field',
    sentence: '',
    in_prompt: secret.in_prompt,
    encodings: holder.encodings,
  };
}

/** A key's body may be wrapped at any width, so the text is also searched without its white space. */
function compacted(decoded: Decoded): Decoded & { compact: string } {
  return { ...decoded, compact: /\s/.test(decoded.text) ? decoded.text.replace(/\s+/g, '') : decoded.text };
}

function holds(text: string, secret: string): boolean {
  const whole = secret.length < WORD_CHARS_MAX;
  for (let at = text.indexOf(secret); at >= 0; at = text.indexOf(secret, at + 1)) {
    if (!whole) return true;
    if (!/\w/.test(text.charAt(at - 1)) && !/\w/.test(text.charAt(at + secret.length))) return true;
  }
  return false;
}
