/** One text of an event, taken apart once and shared by the lineage and all detectors. */
import { type Segment, segmentsOf } from '../lineage/segments.ts';

export interface ContentView {
  /** The text, or its head and tail when it is longer than what is searched. */
  readonly text: string;
  /** Characters of the text as it arrived. */
  readonly chars: number;
  /** Its strings: the leaves of JSON, the fields of YAML-like text, or the text itself. Made when first asked for. */
  readonly segments: readonly Segment[];
}

/** A view of a text; of a longer one than `chars_max` the head and the tail are kept. */
export function viewContent(content: string, chars_max: number): ContentView {
  const text = cut(content, chars_max);
  let segments: Segment[] | undefined;
  return {
    text,
    chars: content.length,
    get segments() {
      segments ??= segmentsOf(text);
      return segments;
    },
  };
}

function cut(text: string, chars_max: number): string {
  if (text.length <= chars_max) return text;
  const tail = Math.floor(chars_max / 4);
  return `${text.slice(0, chars_max - tail)}\n${text.slice(-tail)}`;
}
