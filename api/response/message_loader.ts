/** Reads back from the log what stored deliveries tell of. */
import type { DeliveryRow } from '../../core/store/queries/deliveries.ts';
import { readActionsAt, readAlertsById } from '../../core/store/queries/own_records.ts';
import type { Store } from '../../core/store/store.ts';
import { APPLIED, messageOfAction } from './action_message.ts';
import { alertMessage, type Message } from './message.ts';
import { PERSON_ALERTED, peopleMessageOf, peopleMessages } from './people_message.ts';

/** Messages of one subscription's deliveries by the places of their records. One whose record is gone is missing. */
export async function loadMessages(store: Store, rows: readonly DeliveryRow[]): Promise<Map<string, Message>> {
  const messages: Message[] = [];
  const by_tenant = new Map<string, DeliveryRow[]>();
  for (const row of rows) by_tenant.set(row.tenant, [...(by_tenant.get(row.tenant) ?? []), row]);
  for (const [tenant, of_tenant] of by_tenant) {
    const of = (type: string) =>
      readAlertsOf(
        store,
        tenant,
        of_tenant.filter((row) => row.type === type),
      );
    messages.push(...(await of('alert.raised')).map(alertMessage));
    messages.push(...(await peopleMessages(store, await of(PERSON_ALERTED))));
    const actions = of_tenant.filter(({ type }) => type !== 'alert.raised' && type !== PERSON_ALERTED);
    messages.push(...(await loadActions(store, tenant, actions)));
  }
  return new Map(messages.map((message) => [placeKey(message), message]));
}

/** A record's place among all logs. */
export const placeKey = ({ log, seq }: { log: string; seq: number }): string => `${log}\u0000${seq}`;

async function readAlertsOf(store: Store, tenant: string, rows: readonly DeliveryRow[]) {
  if (rows.length === 0) return [];
  return readAlertsById(store, { tenant, alert_ids: [...new Set(rows.map(({ source_id }) => source_id))] });
}

async function loadActions(store: Store, tenant: string, rows: readonly DeliveryRow[]): Promise<Message[]> {
  const messages: Message[] = [];
  for (const log of new Set(rows.map((row) => row.log))) {
    const of_log = rows.filter((row) => row.log === log);
    const session_ids = [...new Set(of_log.map(({ session_id }) => session_id))];
    const seqs = of_log.map(({ seq }) => seq);
    for (const action of await readActionsAt(store, { tenant, log, session_ids, seqs })) {
      const told = action.type === APPLIED ? await peopleMessageOf(store, action, log) : messageOfAction(action, log);
      if (told !== undefined) messages.push(told);
    }
  }
  return messages;
}
