/** The strings of a call's parameters, taken apart once for all detectors of content, with what the shared pass saw in them. */
import type { ProvenanceEvent } from '../../core/event.ts';
import { type Leaf, leavesOf } from '../lineage/leaves.ts';
import { rememberLast } from './remember_last.ts';
import { scanWords } from './scan_words.ts';

export interface CallLeaf extends Leaf {
  /** Bits of `SIGHT`. */
  sights: number;
  /** Bits of the vocabulary's first bank. */
  classes: number;
  /** Starts and ends of runs of letters and digits, the first of them. */
  randoms: readonly number[];
  /** Where words stand that name secrets, the first of them. */
  secrets: readonly number[];
}

export interface CallText {
  leaves: readonly CallLeaf[];
  /** Of all leaves together. */
  sights: number;
  classes: number;
  digits: boolean;
}

/** Of one call's parameters that are looked at. */
const PARAMETER_CHARS_MAX = 262_144;
const EMPTY: CallText = { leaves: [], sights: 0, classes: 0, digits: false };
const LONG_DIGITS = /\d(?:[ -]?\d){6}/;

/** What a call carries. */
export const callText: (event: ProvenanceEvent) => CallText = rememberLast((event: ProvenanceEvent) => {
  if (event.params === undefined) return EMPTY;
  let sights = 0;
  let classes = 0;
  let digits = false;
  const leaves = leavesOf(event.params, PARAMETER_CHARS_MAX).leaves.map((leaf): CallLeaf => {
    const scan = scanWords(leaf.text);
    sights |= scan.sights;
    classes |= scan.classes;
    digits ||= leaf.text.length >= 7 && LONG_DIGITS.test(leaf.text);
    const { path, name, text } = leaf;
    return {
      path,
      name,
      text,
      sights: scan.sights,
      classes: scan.classes,
      randoms: scan.randoms,
      secrets: scan.secrets,
    };
  });
  return { leaves, sights, classes, digits };
});
