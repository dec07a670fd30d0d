/** The strings and numbers inside a call's parameters, each with its path. */
import { parseJson } from './segments.ts';

export interface Leaf {
  /** Such as `message.to[0]`. */
  path: string;
  /** The nearest name above the value. */
  name: string;
  text: string;
}

const LEAVES_MAX = 2_000;
const DEPTH_MAX = 32;

export interface Leaves {
  leaves: readonly Leaf[];
  truncated: boolean;
}

interface Walked extends Leaves {
  /** Of all values, those of JSON inside strings counted twice. */
  chars: number;
}

/** The last answer: several detectors take the same parameters apart, one after the other. */
let last_params: object | undefined;
let last_max = 0;
let last: Walked = { leaves: [], truncated: false, chars: 0 };

/** Walks parameters in their own order, into strings that hold JSON too; stops at `bytes_max` characters in total. */
export function leavesOf(params: Record<string, unknown>, bytes_max: number): Leaves {
  const same = bytes_max === last_max || (!last.truncated && last.chars < bytes_max);
  if (params === last_params && same) return last;
  last = walk(params, bytes_max);
  last_params = params;
  last_max = bytes_max;
  return last;
}

function walk(params: Record<string, unknown>, bytes_max: number): Walked {
  const leaves: Leaf[] = [];
  let left = bytes_max;
  let chars = 0;
  let truncated = false;
  const visit = (value: unknown, path: string, name: string, depth: number): void => {
    if (leaves.length >= LEAVES_MAX || left <= 0 || depth > DEPTH_MAX) {
      truncated = true;
      return;
    }
    if (typeof value === 'object' && value !== null) {
      for (const [key, child] of Object.entries(value)) {
        if (Array.isArray(value)) visit(child, `${path}[${key}]`, name, depth + 1);
        else visit(child, path === '' ? key : `${path}.${key}`, key, depth + 1);
      }
      return;
    }
    if (typeof value !== 'string' && typeof value !== 'number') return;
    const text = String(value);
    chars += text.length;
    const json = parseJson(text.slice(0, left));
    if (json !== undefined) {
      visit(json, path, name, depth + 1);
      return;
    }
    truncated ||= text.length > left;
    leaves.push({ path, name, text: text.slice(0, left) });
    left -= text.length;
  };
  visit(params, '', '', 0);
  return { leaves, truncated, chars };
}
