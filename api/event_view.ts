/** An event as the API and the command line show it: its fields in one flat object, calls joined to their results. */
import { parseCore } from '../core/core_record.ts';
import type { StoredEvent } from '../core/store/queries/events.ts';
import { storedFields } from '../core/stored_event.ts';

export type EventView = Record<string, unknown> & { seq: number; type: string; event_id: string };

/** Fields that may hold what people and tools said: free text, and whatever a producer added of its own. */
const FREE_FIELDS = ['extra', 'reason'] as const;

/**
 * The stored parts as one object. `content_state` says where content is `withheld` from the reader, `erased` or
 * `expired`.
 */
export function viewOf(row: StoredEvent, with_content: boolean): EventView {
  const core = parseCore(row.core);
  const shown = with_content ? row : { ...row, params: '', content: '', state: '' };
  const has_content = shown.state === 'kept' && core.commit.content !== undefined;
  const fields = storedFields({ ...shown, has_content });
  if (!with_content) for (const name of FREE_FIELDS) delete fields[name];
  return {
    seq: row.seq,
    event_id: core.event_id ?? '',
    type: core.type,
    kind: core.kind,
    time: core.time ?? core.received_at,
    received_at: core.received_at,
    session_seq: core.session_seq ?? 0,
    content_state: shown.state === '' ? 'withheld' : shown.state,
    ...fields,
  };
}

/** Results that wait for their call: those with one call id, or those of one tool, in log order. */
class Waiting {
  private readonly queues = new Map<string, EventView[]>();

  add(key: string, result: EventView): void {
    const queue = this.queues.get(key);
    if (queue === undefined) this.queues.set(key, [result]);
    else queue.push(result);
  }

  /** The first result after `seq` that is not taken. What comes before is let go, since calls come in log order. */
  next(key: string, seq: number, taken: ReadonlySet<number>): EventView | undefined {
    const queue = this.queues.get(key) ?? [];
    while (queue[0] !== undefined && (queue[0].seq <= seq || taken.has(queue[0].seq))) queue.shift();
    return queue[0];
  }
}

const toolOf = ({ server, tool }: EventView) => JSON.stringify([server ?? '', tool ?? '']);

/**
 * Joins each call with its result: the next one with the same call id, or else the next one of the same server and
 * tool where one of the two names no call id. A call id that is used again joins the calls in turn.
 */
export function joinCalls(views: readonly EventView[]): EventView[] {
  const with_id = new Waiting();
  const of_tool = { named: new Waiting(), unnamed: new Waiting() };
  const first_with_id = new Map<string, EventView>();
  const taken = new Set<number>();
  const result_of = new Map<number, EventView>();
  const call_of = new Map<number, EventView>();
  for (const view of views) {
    if (view.type !== 'tool.result') continue;
    const named = typeof view.call_id === 'string';
    of_tool[named ? 'named' : 'unnamed'].add(toolOf(view), view);
    if (!named) continue;
    with_id.add(String(view.call_id), view);
    if (!first_with_id.has(String(view.call_id))) first_with_id.set(String(view.call_id), view);
  }
  const join = (call: EventView, result: EventView | undefined) => {
    if (result === undefined || taken.has(result.seq)) return;
    taken.add(result.seq);
    result_of.set(call.seq, result);
    call_of.set(result.seq, call);
  };
  const calls = views.filter((view) => view.type === 'tool.call');
  for (const call of calls) {
    if (typeof call.call_id === 'string') join(call, with_id.next(call.call_id, call.seq, taken));
  }
  for (const call of calls) {
    if (result_of.has(call.seq)) continue;
    const key = toolOf(call);
    const unnamed = of_tool.unnamed.next(key, call.seq, taken);
    if (typeof call.call_id === 'string') join(call, first_with_id.get(call.call_id) ?? unnamed);
    else join(call, earlier(unnamed, of_tool.named.next(key, call.seq, taken)));
  }
  return views.map((view) => {
    const result = result_of.get(view.seq);
    const call = call_of.get(view.seq);
    if (result !== undefined) {
      const took_ms = Date.parse(String(result.time)) - Date.parse(String(view.time));
      return { ...view, result_seq: result.seq, took_ms, joined_by: joinedBy(view, result) };
    }
    return call === undefined ? view : { ...view, call_seq: call.seq, joined_by: joinedBy(call, view) };
  });
}

function earlier(a: EventView | undefined, b: EventView | undefined): EventView | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.seq < b.seq ? a : b;
}

const joinedBy = (call: EventView, result: EventView) =>
  call.call_id !== undefined && call.call_id === result.call_id ? 'call_id' : 'order';
