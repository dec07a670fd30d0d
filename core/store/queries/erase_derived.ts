/** Removes what detection had derived from content that is erased. */
import type { Store } from '../store.ts';

/** Records whose content goes, with the sessions in which they are. */
export interface ErasedRecords {
  log: string;
  tenant: string;
  session_ids: readonly string[];
  seqs: readonly number[];
}

const CHUNK = 10_000;

/**
 * Removes edges from or to these records and what correlators saw of them, and takes quotations out of signals that
 * rest on them. May be repeated.
 */
export async function eraseDerived(store: Store, erased: ErasedRecords): Promise<void> {
  for (let from = 0; from < erased.seqs.length; from += CHUNK) {
    const part = { ...erased, seqs: erased.seqs.slice(from, from + CHUNK) };
    await removeEdges(store, part);
    await removeObservations(store, part);
    await blankSignals(store, part);
  }
}

async function removeEdges(store: Store, { log, tenant, session_ids, seqs }: ErasedRecords): Promise<void> {
  await store.command(
    `DELETE FROM edges
     WHERE tenant = {tenant:String} AND session_id IN {session_ids:Array(String)} AND log = {log:String}
       AND (to_seq IN {seqs:Array(UInt64)} OR from_seq IN {seqs:Array(UInt64)})`,
    { log, tenant, session_ids, seqs },
  );
}

async function removeObservations(store: Store, { log, tenant, seqs }: ErasedRecords): Promise<void> {
  await store.command(
    `DELETE FROM observations WHERE tenant = {tenant:String} AND log = {log:String} AND seq IN {seqs:Array(UInt64)}`,
    { log, tenant, seqs },
  );
}

/** The row without quotations has a higher version, so it also wins over what a replay inserts later. */
async function blankSignals(store: Store, { log, tenant, session_ids, seqs }: ErasedRecords): Promise<void> {
  await store.command(
    `INSERT INTO signals (tenant, session_id, finding_id, version, log, seq, rule_id, rule_version, severity, risk, title, reason,
                          user_id, agent, time, tags, evidence, late)
     SELECT tenant, session_id, finding_id, 1, log, seq, rule_id, rule_version, severity, risk,
            replaceRegexpAll(title, '“[^”]*”', '“(erased)”'), replaceRegexpAll(reason, '“[^”]*”', '“(erased)”'),
            user_id, agent, time, tags, evidence, late
     FROM v_signals
     WHERE tenant = {tenant:String} AND log = {log:String} AND version = 0
       AND (session_id IN {session_ids:Array(String)}
            OR arrayExists(each -> JSONExtractUInt(each, 'seq') IN {seqs:Array(UInt64)}, JSONExtractArrayRaw(evidence)))`,
    { log, tenant, session_ids, seqs },
  );
}
