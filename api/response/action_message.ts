/** Which records of actions subscribers are told of, and as what. */
import type { ActionRecordRow } from '../../core/store/queries/own_records.ts';
import type { Message } from './message.ts';

/** Types of records that subscribers are told of, beside alerts. */
export const TOLD_ACTIONS: readonly string[] = [];

/** The message of an action, or undefined where nobody is told of it. */
export function messageOfAction(_action: ActionRecordRow, _log: string): Message | undefined {
  return undefined;
}
