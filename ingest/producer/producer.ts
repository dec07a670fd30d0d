/**
 * The producer's side of an event: numbers it, links it to the one before, keeps it on disk and delivers it in batches.
 * Published as `tracewarden/producer`; needs Node alone.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { codeOf } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { claimOrphans, runFolder } from './orphans.ts';
import { Sender } from './sender.ts';
import { createServiceClient } from './service_client.ts';
import { Spool } from './spool.ts';

export interface ProducerOptions {
  /** Address of the service, such as `https://tracewarden.example.com`. */
  url: string;
  /** Key of the role `ingest` or `gateway`. */
  key?: string | undefined;
  /** Folder for what is not delivered yet; programs of one user may share it. */
  spool: string;
  spool_bytes_max?: number | undefined;
  /** Told in words for people, without content. */
  onNotice?: ((text: string) => void) | undefined;
}

export interface ProducerCounts {
  recorded: number;
  delivered: number;
  refused: number;
  /** Not kept, since the spool was full or the disk failed; their numbers show the service the gap. */
  lost: number;
}

export interface Producer {
  /** Names this run: the part that the ids of its events begin with. */
  readonly run_id: string;
  /**
   * Takes an event as `docs/wire-format.md` describes it; `event_id`, `time` and the chain are added where absent. On
   * disk when it returns true. False when it could not be kept.
   */
  record(event: Record<string, unknown>): boolean;
  counts(): ProducerCounts;
  /** Tries to deliver what is left within a time, and closes. What is still left is delivered by the next run. */
  close(within_ms?: number): Promise<ProducerCounts>;
}

interface Link {
  seq: number;
  hash: string;
}

const NO_EVENT = '0'.repeat(64);
const SYNC_MS = 1_000;
const SESSION_FIELDS = ['session_id', 'conversation_id', 'client_session_id', 'mcp_session_id', 'trace_id'] as const;

/** Opens a producer. Throws what the disk says when its folder cannot be made. */
export function createProducer(options: ProducerOptions): Producer {
  const { url, key, spool: folder, spool_bytes_max, onNotice = () => undefined } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const run_id = randomBytes(12).toString('hex');
  const left = claimOrphans(folder).map((path) => new Spool(path));
  const spool = new Spool(runFolder(folder, run_id), spool_bytes_max);
  const sender = new Sender({ client: createServiceClient({ url, key }), spools: [...left, spool], onNotice });
  const links = new Map<string, Link>();
  let recorded = 0;
  let lost = 0;
  const syncing = setInterval(() => spool.sync(), SYNC_MS);
  syncing.unref();
  if (left.length > 0) sender.poke();

  const counts = () => ({ recorded, delivered: sender.delivered, refused: sender.refused, lost });
  const record = (event: Record<string, unknown>): boolean => {
    const session = String(SESSION_FIELDS.map((field) => event[field]).find((id) => typeof id === 'string') ?? '');
    const link = linkOf(links, session);
    const line = Buffer.from(
      JSON.stringify({
        event_id: `${run_id}-${recorded + lost}`,
        time: new Date().toISOString(),
        ...event,
        client_seq: link.seq,
        client_prev_hash: link.hash,
        extra: { ...(event.extra as object | undefined), client_stream: run_id },
      }),
    );
    link.seq++;
    link.hash = createHash('sha256').update(line).digest('hex');
    try {
      if (spool.append(line)) {
        recorded++;
        sender.poke();
        return true;
      }
      if (lost === 0) onNotice('the spool is full: events are left out, and their numbers will show it');
    } catch (error) {
      if (lost === 0) onNotice(`the spool cannot be written (${codeOf(error)}): events are left out`);
    }
    lost++;
    return false;
  };
  return {
    run_id,
    record,
    counts,
    async close(within_ms = LIMITS.wrap_finish_ms_max) {
      clearInterval(syncing);
      await sender.finish(within_ms);
      for (const each of [...left, spool]) each.close();
      return counts();
    },
  };
}

/** Where the chain of a session stands; of many sessions the one that was used longest ago begins anew. */
function linkOf(links: Map<string, Link>, session: string): Link {
  const link = links.get(session) ?? { seq: 0, hash: NO_EVENT };
  links.delete(session);
  links.set(session, link);
  if (links.size > LIMITS.producer_sessions_max) links.delete(links.keys().next().value ?? '');
  return link;
}
