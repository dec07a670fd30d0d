/** An event as the API and the command line show it: its fields in one flat object, calls joined to their results. */
import { parseCore } from '../core/core_record.ts';
import type { StoredEvent } from '../core/store/queries/events.ts';
import { storedFields } from '../core/stored_event.ts';

export type EventView = Record<string, unknown> & { seq: number; type: string; event_id: string };

/** The stored parts as one object. Where content was not asked for or is gone, `content_state` says so. */
export function viewOf(row: StoredEvent): EventView {
  const core = parseCore(row.core);
  const kept = row.state === 'kept';
  const fields = storedFields({ ...row, has_content: kept && core.commit.content !== undefined });
  return {
    seq: row.seq,
    event_id: row.event_id,
    type: row.type,
    kind: row.kind,
    time: core.time ?? core.received_at,
    received_at: core.received_at,
    session_seq: row.session_seq,
    content_state: row.state === '' ? 'withheld' : row.state,
    ...fields,
  };
}

/** Joins each call with its result by call id, else by the next result of the same server and tool. */
export function joinCalls(views: readonly EventView[]): EventView[] {
  const results = views.filter((view) => view.type === 'tool.result');
  const taken = new Set<number>();
  const result_of = new Map<number, EventView>();
  const call_of = new Map<number, EventView>();
  const calls = views.filter((view) => view.type === 'tool.call');
  const join = (call: EventView, result: EventView | undefined) => {
    if (result === undefined) return;
    taken.add(result.seq);
    result_of.set(call.seq, result);
    call_of.set(result.seq, call);
  };
  const by_id = new Map<unknown, EventView>();
  for (const result of results)
    if (result.call_id !== undefined && !by_id.has(result.call_id)) by_id.set(result.call_id, result);
  for (const call of calls) if (call.call_id !== undefined) join(call, by_id.get(call.call_id));
  for (const call of calls) {
    if (result_of.has(call.seq)) continue;
    const next = results.find(
      (result) =>
        result.seq > call.seq &&
        !taken.has(result.seq) &&
        (call.call_id === undefined || result.call_id === undefined) &&
        result.tool === call.tool &&
        result.server === call.server,
    );
    join(call, next);
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

const joinedBy = (call: EventView, result: EventView) =>
  call.call_id !== undefined && call.call_id === result.call_id ? 'call_id' : 'order';
