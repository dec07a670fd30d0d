/** Reads the holds of a tenant from the records that make and end them. */
import { AppError } from '../../errors.ts';
import { HeldThings, HOLD_TYPES, type Hold, holdsOf } from '../../hold.ts';
import { LIMITS } from '../../limits.ts';
import type { Store } from '../store.ts';
import { readLastActions } from './own_records.ts';

/** All holds of a tenant, those that have ended among them, oldest first. Throws `too_many_holds`: none may be missed. */
export async function readHolds(store: Store, of: { log: string; tenant: string }): Promise<Hold[]> {
  const limit = LIMITS.hold_records_max + 1;
  const records = await readLastActions(store, { ...of, types: HOLD_TYPES, limit });
  if (records.length === limit) {
    throw new AppError('too_many_holds', `there are more than ${LIMITS.hold_records_max} records of holds`);
  }
  return holdsOf(records.reverse());
}

/** What is held in a tenant at a time. */
export async function readHeld(store: Store, of: { log: string; tenant: string; now_ms: number }): Promise<HeldThings> {
  return new HeldThings(await readHolds(store, of), of.now_ms);
}
