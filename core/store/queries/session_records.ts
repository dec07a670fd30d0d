/** The records of one session with all that opens their commitments: what evidence is made of. */
import type { Store } from '../store.ts';
import { COMMITTED_CONTENT, COMMITTED_EVENTS, readHeads } from './committed.ts';

/** A record as it is stored. `salt` in hexadecimal; `state` is empty where the record has no content. */
export interface SessionRecord {
  seq: number;
  core: string;
  who: string;
  what: string;
  detail: string;
  params: string;
  content: string;
  state: string;
  salt: string;
}

export interface SessionScope {
  tenant: string;
  session_id: string;
  log: string;
  limit: number;
}

type RecordPart = Pick<SessionRecord, 'seq' | 'core' | 'who' | 'what' | 'detail'>;
type ContentPart = Pick<SessionRecord, 'seq' | 'params' | 'content' | 'state' | 'salt'>;

/** The records of a session in one log, in log order. */
export async function readSessionRecords(store: Store, scope: SessionScope): Promise<SessionRecord[]> {
  const params = { ...scope, ...(await readHeads(store)) };
  const [records, contents] = await Promise.all([
    store.rows<RecordPart>(
      `SELECT seq, core, who, what, detail
       FROM ${COMMITTED_EVENTS} AND tenant = {tenant:String} AND session_id = {session_id:String} AND log = {log:String}
       ORDER BY seq
       LIMIT {limit:UInt32}`,
      params,
    ),
    store.rows<ContentPart>(
      `SELECT seq, params, content, toString(state) AS state, lower(hex(salt)) AS salt
       FROM ${COMMITTED_CONTENT} AND tenant = {tenant:String} AND session_id = {session_id:String} AND log = {log:String}
       ORDER BY seq
       LIMIT {limit:UInt32}`,
      params,
    ),
  ]);
  const by_seq = new Map(contents.map((content) => [content.seq, content]));
  return records.map((record) => ({
    params: '',
    content: '',
    state: '',
    salt: '',
    ...by_seq.get(record.seq),
    ...record,
  }));
}
