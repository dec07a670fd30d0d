/** A log on the real engine for tests: keys, signer, writer and checkpointer in a folder, with a clock of their own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { migrate } from '../core/store/migrate.ts';
import { openEmbeddedStore, type Store } from '../core/store/store.ts';
import { Checkpointer } from '../ingest/checkpointer.ts';
import { type Keyring, openKeyring } from '../ingest/keyring.ts';
import { LogWriter, type Receipt } from '../ingest/log_writer.ts';
import type { SequencedRecord } from '../ingest/record.ts';
import { type LogSigner, openSigner } from '../ingest/signer.ts';
import type { VerifyReport } from '../ingest/verify/report.ts';
import { type VerifyOptions, verifyLog } from '../ingest/verify/verify.ts';

export const ORIGIN = 'test.example.com/log';
export const START_MS = Date.UTC(2026, 0, 15, 10);

/** A folder that goes when the tests of the file are done; call it before other hooks, since hooks end in reverse. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `tracewarden-${name}-`));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface TestLog {
  store: Store;
  keys: Keyring;
  signer: LogSigner;
  writer: LogWriter;
  checkpointer: Checkpointer;
  clock: { now_ms: number };
  notices: { notice: string; fields: Record<string, unknown> }[];
  /** What observers were told, in order. */
  observed: SequencedRecord[];
  /** Ranges that observers were told to read from the store. */
  adopted: [from: number, to: number][];
  /** Accepts events as the key of a tenant and hands them in. */
  submit(events: readonly unknown[], tenant?: string): Promise<Receipt[]>;
  verify(options?: Partial<VerifyOptions>): Promise<VerifyReport>;
}

/** Opens a migrated store in a folder. */
export async function openTestStore(folder: string): Promise<Store> {
  const store = await openEmbeddedStore(folder);
  await migrate(store);
  return store;
}

/** Opens a writer and what belongs to it over a store; `writes` stands in for the store where rows are written. */
export async function openTestLog(folder: string, store: Store, writes: Store = store): Promise<TestLog> {
  const keys = openKeyring(folder, ORIGIN);
  const signer = openSigner(folder, ORIGIN, keys.seed);
  const clock = { now_ms: START_MS };
  const notices: TestLog['notices'] = [];
  const observed: SequencedRecord[] = [];
  const adopted: TestLog['adopted'] = [];
  const writer = await LogWriter.open({
    store: writes,
    log: ORIGIN,
    pseudonyms: keys.pseudonyms,
    lastSigned: () => signer.last(),
    now: () => clock.now_ms,
    onCommitted: async (records) => void observed.push(...records),
    onAdopted: async (from, to) => void adopted.push([from, to]),
    onNotice: (notice, fields) => void notices.push({ notice, fields }),
  });
  const checkpointer = new Checkpointer({
    store: writes,
    signer,
    head: () => writer.head,
    now: () => clock.now_ms,
    onFault: (error) => void notices.push({ notice: error.code, fields: {} }),
  });
  return {
    store,
    keys,
    signer,
    writer,
    checkpointer,
    clock,
    notices,
    observed,
    adopted,
    submit(events, tenant = '*') {
      const records = events.map((event) => {
        clock.now_ms += 1_000;
        const text = typeof event === 'string' ? event : JSON.stringify(event);
        return writer.accept(Buffer.from(text), tenant, 'key-1');
      });
      return writer.submit(records);
    },
    verify: (options = {}) => verifyLog({ store, vkey: keys.vkey, pseudonyms: keys.pseudonyms, ...options }),
  };
}
