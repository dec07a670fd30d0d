/** The records of one tenant that arrived in a period, read once through the log in constant memory. */
import { ContentRows, EventRows } from '../../core/store/queries/record_rows.ts';
import type { Store } from '../../core/store/store.ts';
import type { StoredParts } from './record_lines.ts';

export interface PeriodScope {
  tenant: string;
  log: string;
  /** The tree that they are proven in. */
  size: number;
  from_ms: number;
  to_ms: number;
}

/** What a table of records says of one. */
export interface RecordFacts {
  seq: number;
  kind: string;
  type: string;
  event_id: string;
  session_id: string;
  time_ms: number;
  received_at_ms: number;
  user_id: string;
  agent: string;
  server: string;
  tool: string;
}

const inPeriod = ({ tenant, from_ms, to_ms }: PeriodScope, row: EventRows) =>
  row.tenant === tenant && row.received_at_ms >= from_ms && row.received_at_ms < to_ms;

/** Each record with the parts that open its commitments but for parameters and content, by session and number. */
export async function* storedRecords(store: Store, scope: PeriodScope): AsyncGenerator<StoredParts> {
  const rows = EventRows.open(store, scope);
  const contents = ContentRows.open(store, scope);
  try {
    do {
      while (rows.step()) {
        if (!inPeriod(scope, rows)) continue;
        const found = await seek(contents, rows);
        yield {
          core: rows.core,
          who: rows.who,
          what: rows.what,
          detail: rows.detail,
          params: '',
          content: '',
          state: found ? contents.state : '',
          salt: Buffer.from(found ? contents.salt : []),
        };
      }
    } while (await rows.more());
  } finally {
    await rows.close();
    await contents.close();
  }
}

/** What a table says of each record, in the same order. */
export async function* recordFacts(store: Store, scope: PeriodScope): AsyncGenerator<RecordFacts> {
  const rows = EventRows.open(store, scope);
  try {
    do {
      while (rows.step()) {
        if (!inPeriod(scope, rows)) continue;
        const { seq, kind, type, event_id, session_id, time_ms, received_at_ms, user_id, agent, server, tool } = rows;
        yield { seq, kind, type, event_id, session_id, time_ms, received_at_ms, user_id, agent, server, tool };
      }
    } while (await rows.more());
  } finally {
    await rows.close();
  }
}

/** Moves the contents, which are in the same order, up to a record. False where it has none. */
async function seek(contents: ContentRows, row: EventRows): Promise<boolean> {
  for (;;) {
    while (contents.peek()) {
      const order = compared(contents, row);
      if (order === 0) return true;
      if (order > 0) return false;
      contents.take();
    }
    if (!(await contents.more())) return false;
  }
}

function compared(a: ContentRows, b: EventRows): number {
  return bytewise(a.tenant, b.tenant) || bytewise(a.session_id, b.session_id) || a.seq - b.seq;
}

/** As the store orders texts: by their bytes in UTF-8. */
const bytewise = (a: string, b: string) => (a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b)));
