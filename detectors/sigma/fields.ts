/** Which field names a rule may use, and which of them keywords are looked for in. */
import { ProducerEvent } from '../../core/event.ts';

/** What the engine knows of an event beside the event itself. */
export const DERIVED_FIELDS = ['capability', 'egress', 'destination', 'signal', 'severity'] as const;

/** Where a value without a field is looked for. */
export const KEYWORD_FIELDS = ['content', 'params', 'tool', 'server', 'uri', 'reason'] as const;

/** What the log adds to every event. */
const LOG_FIELDS = ['log', 'seq', 'session_seq', 'received_at', 'extra'];

const KNOWN: ReadonlySet<string> = new Set([
  ...ProducerEvent.options.flatMap((option) => Object.keys(option.shape)).filter((field) => field !== 'salt'),
  ...LOG_FIELDS,
  ...DERIVED_FIELDS,
]);

/** Why a field name cannot be used, or undefined when it can. */
export function fieldProblem(field: string): string | undefined {
  const [first = '', ...rest] = field.split('.');
  if (!KNOWN.has(first)) return 'is not a field of an event; what producers add of their own is under "extra."';
  if (rest.some((part) => part === '')) return 'has an empty part between its dots';
  return undefined;
}
