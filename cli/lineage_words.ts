/** The path of a value in words, for people at a terminal. */
import { inert, shorten } from './output.ts';

/** An edge as `/v1/sessions/{id}/edges` gives it. */
export interface EdgeJson {
  from: EndJson;
  to: EndJson;
  path: string;
  destination: boolean;
  kind: string;
  preview: string | null;
  sentence: string | null;
  field: string | null;
  occurrence: string;
  in_prompt: boolean;
  encodings: string[];
  strength: number;
  untrusted: boolean;
  sensitivity: string;
  split: { calls: number; chars: number; coverage: number } | null;
}

interface EndJson {
  seq: number;
  server: string;
  tool: string;
}

const PREVIEW_CHARS = 80;
const SENTENCE_CHARS = 160;
const PATH_CHARS = 80;

/** Which value from which result went into which parameter of which call, and what speaks for or against it. */
export function edgeLines(edge: EdgeJson): string[] {
  const value =
    edge.preview === null
      ? `a value (${edge.kind}, withheld)`
      : `“${clean(edge.preview, PREVIEW_CHARS)}” (${edge.kind})`;
  const field = !edge.field ? '' : `, field ${clean(edge.field, PATH_CHARS)}`;
  const lines = [
    `${value} from ${endOf(edge.from)}${field} went into ${clean(edge.path, PATH_CHARS)} of ${endOf(edge.to)}`,
    `  ${remarksOf(edge).join('; ')}`,
  ];
  if (edge.sentence) lines.push(`  it stood in: “${clean(edge.sentence, SENTENCE_CHARS)}”`);
  return lines;
}

function endOf({ seq, server, tool }: EndJson): string {
  const name = [server, tool].filter(Boolean).join('/');
  return `${clean(name, PATH_CHARS)} (record ${seq})`;
}

function remarksOf(edge: EdgeJson): string[] {
  const { split, encodings } = edge;
  const percent = (share: number) => `${Math.round(100 * share)}%`;
  return [
    ...(edge.destination ? ['names a destination'] : []),
    edge.in_prompt ? 'the user had named it' : 'the user had not named it',
    ...(edge.occurrence === 'instruction' ? ['it stood in an order'] : []),
    ...(edge.untrusted ? ['others may have written it'] : []),
    ...(edge.sensitivity === 'unknown' || edge.sensitivity === 'public' ? [] : [`the source is ${edge.sensitivity}`]),
    ...(encodings.length === 0 ? [] : [`wrapped in ${encodings.join(', then ')}`]),
    ...(split === null ? [] : [`in pieces: ${split.calls} calls carried ${percent(split.coverage)} of it`]),
    `strength ${percent(edge.strength)}`,
  ];
}

const clean = (text: string, chars_max: number) => inert(shorten(text.replace(/\s+/g, ' '), chars_max));
