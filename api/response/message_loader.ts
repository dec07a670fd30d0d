/** Reads back from the log what stored deliveries tell of. */
import type { DeliveryRow } from '../../core/store/queries/deliveries.ts';
import { readActionsAt, readAlertsById } from '../../core/store/queries/own_records.ts';
import type { Store } from '../../core/store/store.ts';
import { messageOfAction } from './action_message.ts';
import { alertMessage, type Message } from './message.ts';

/** Messages of deliveries by the sequence numbers of their records. One whose record is gone is missing. */
export async function loadMessages(store: Store, rows: readonly DeliveryRow[]): Promise<Map<number, Message>> {
  const messages = new Map<number, Message>();
  const by_tenant = new Map<string, DeliveryRow[]>();
  for (const row of rows) by_tenant.set(row.tenant, [...(by_tenant.get(row.tenant) ?? []), row]);
  for (const [tenant, of_tenant] of by_tenant) {
    const alert_ids = idsOf(of_tenant.filter(({ type }) => type === 'alert.raised'));
    if (alert_ids.length > 0) {
      for (const alert of await readAlertsById(store, { tenant, alert_ids })) {
        messages.set(alert.seq, alertMessage(alert));
      }
    }
    const actions = of_tenant.filter(({ type }) => type !== 'alert.raised');
    const log = actions[0]?.log;
    if (log === undefined) continue;
    const session_ids = [...new Set(actions.map(({ session_id }) => session_id))];
    const seqs = actions.map(({ seq }) => seq);
    for (const action of await readActionsAt(store, { tenant, log, session_ids, seqs })) {
      const message = messageOfAction(action, log);
      if (message !== undefined) messages.set(action.seq, message);
    }
  }
  return messages;
}

const idsOf = (rows: readonly DeliveryRow[]) => [...new Set(rows.map(({ source_id }) => source_id))];
