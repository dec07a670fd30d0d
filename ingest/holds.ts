/** Makes and ends holds, each by a record of the log. */
import { AppError } from '../core/errors.ts';
import { HOLD_ADDED, HOLD_RELEASED, type Hold, isInForce } from '../core/hold.ts';
import { newId } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import { readHolds } from '../core/store/queries/holds.ts';
import type { Store } from '../core/store/store.ts';
import { exclusively } from './exclusive.ts';
import type { LogWriter } from './log_writer.ts';

export interface WantedHold {
  session_id?: string | undefined;
  user_id?: string | undefined;
  reason: string;
  expires_at_ms: number;
}

/** Who asks, where and when. */
export interface Asking {
  tenant: string;
  actor: string;
  now_ms: number;
}

/** Makes a hold. It counts for every erasure and expiry that begins after this resolves. Throws `too_many_holds`. */
export function addHold(store: Store, writer: LogWriter, wanted: WantedHold, asking: Asking): Promise<Hold> {
  return exclusively(store, async () => {
    const { log } = writer.head;
    const { tenant, actor, now_ms } = asking;
    const { session_id = '', user_id = '', reason, expires_at_ms } = wanted;
    const before = await readHolds(store, { log, tenant });
    // A release is a record too, and must still find room.
    if (before.length * 2 >= LIMITS.hold_records_max) {
      throw new AppError('too_many_holds', `a tenant has at most ${LIMITS.hold_records_max / 2} holds`);
    }
    const event_id = newId('hold');
    const detail = { session_id, user_id, reason, expires_at_ms };
    const place = { kind: 'action', type: HOLD_ADDED, event_id, tenant, session_id, user_id, actor } as const;
    await writer.submitInternal([writer.stamp({ ...place, time_ms: now_ms, detail })]);
    return found(await readHolds(store, { log, tenant }), event_id);
  });
}

/** Ends a hold before its time. Throws `not_found`, `status_conflict`. */
export function releaseHold(
  store: Store,
  writer: LogWriter,
  wanted: { hold_id: string; reason: string },
  asking: Asking,
): Promise<Hold> {
  return exclusively(store, async () => {
    const { log } = writer.head;
    const { tenant, actor, now_ms } = asking;
    const { session_id, user_id, ...hold } = found(await readHolds(store, { log, tenant }), wanted.hold_id);
    if (!isInForce({ session_id, user_id, ...hold }, now_ms)) {
      throw new AppError('status_conflict', `${hold.hold_id} has ended already`);
    }
    const event_id = newId('hold-release');
    const place = { kind: 'action', type: HOLD_RELEASED, event_id, tenant, session_id, user_id, actor } as const;
    await writer.submitInternal([writer.stamp({ ...place, time_ms: now_ms, detail: { ...wanted } })]);
    return found(await readHolds(store, { log, tenant }), wanted.hold_id);
  });
}

function found(holds: readonly Hold[], hold_id: string): Hold {
  const hold = holds.find((each) => each.hold_id === hold_id);
  if (hold === undefined) throw new AppError('not_found', 'there is no such hold in this tenant');
  return hold;
}
