/** `tracewarden wrap`: stands between an MCP client and a server, passes every byte, and records what passes. */
import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { AppError, codeOf, messageOf } from '../../core/errors.ts';
import { LineTap } from '../../ingest/mcp/line_tap.ts';
import { type Direction, McpRecorder } from '../../ingest/mcp/mcp_recorder.ts';
import { createProducer, type Producer } from '../../ingest/producer/producer.ts';
import { Redactor } from '../../ingest/redaction/redactor.ts';
import { type Ending, endAs, endOf, passOn, startServer } from './child.ts';
import { sessionOf, userOf } from './client_session.ts';
import { readWrapFlags, type WrapFlags, wrapUsage } from './flags.ts';
import { identifyServer, serverName } from './server_identity.ts';
import { readSettings, type WrapSettings } from './settings.ts';

/** Secrets of the wrapper that are none of the server's business. */
const OURS = ['TRACEWARDEN_KEY', 'TRACEWARDEN_ENFORCEMENT_SECRET'] as const;
const NOT_FOUND = 127;
const NOT_STARTED = 126;

/** Runs a server behind a wrapper and ends the process as the server ends. */
export async function runWrap(args: readonly string[]): Promise<void> {
  const split = args.indexOf('--');
  if ((split < 0 ? args : args.slice(0, split)).some((arg) => arg === '--help' || arg === '-h')) {
    process.stdout.write(wrapUsage());
    return;
  }
  const flags = readWrapFlags(args);
  const settings = await readSettings(flags, process.env);
  const env = { ...process.env };
  for (const name of OURS) delete env[name];
  const producer = openProducer(settings);
  const recorder = openRecorder(flags, settings, producer);
  const child = startServer(flags.command, env);
  const ended = endOf(child);
  carry('to_server', process.stdin, child.stdin, recorder);
  carry('to_client', child.stdout, process.stdout, recorder);
  process.stdin.on('end', () => child.stdin.end());
  let ending: Ending;
  try {
    ending = await ended;
  } catch (cause) {
    await producer.close();
    process.exitCode = codeOf(cause) === 'ENOENT' ? NOT_FOUND : NOT_STARTED;
    process.stderr.write(`tracewarden wrap: the server could not be started: ${messageOf(cause)}\n`);
    process.exit();
  }
  recorder.ended(ending);
  await allWritten(process.stdout);
  await producer.close();
  endAs(ending);
}

function openProducer({ url, key, spool }: WrapSettings): Producer {
  // What waits for one service is never sent to another.
  const folder = join(spool, createHash('sha256').update(url).digest('hex').slice(0, 12));
  return createProducer({ url, key, spool: folder, onNotice: notice });
}

function notice(text: string): void {
  process.stderr.write(`tracewarden wrap: ${text}\n`);
}

function openRecorder(flags: WrapFlags, settings: WrapSettings, producer: Producer): McpRecorder {
  const identity = identifyServer(flags.command, process.env);
  const server = flags.name ?? serverName(identity, flags.command);
  const who = { ...userOf(flags.user), host: hostname().slice(0, 256), client: 'tracewarden-wrap' };
  return new McpRecorder({
    server,
    run_id: producer.run_id,
    session: sessionOf(flags.session, process.env),
    identity: () => ({ ...identity }),
    redactor: new Redactor(settings.redaction_key, settings.rules),
    now_ms: () => performance.now(),
    record: (event) => {
      producer.record({ ...who, ...event });
    },
  });
}

/** Bytes first, then a look at them: a fault in the looking holds up nobody. */
function carry(direction: Direction, source: Readable, sink: Writable, recorder: McpRecorder): void {
  const tap = new LineTap((line) => guarded(() => recorder.take(direction, line)));
  source.on('data', (chunk: Buffer) => {
    passOn(source, sink, chunk);
    guarded(() => tap.feed(chunk));
  });
  source.on('end', () => guarded(() => tap.end()));
  source.on('error', () => undefined);
}

let told = false;
function guarded(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!told)
      notice(`something could not be recorded (${error instanceof Error ? error.name : 'unknown'}): ${codeOf(error)}`);
    told = true;
  }
}

function allWritten(sink: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (sink.destroyed || sink.writableLength === 0) resolve();
    else sink.once('drain', () => resolve());
    sink.once('error', () => resolve());
  });
}

/** Says what is wrong and gives the exit code. */
export function faultOf(error: unknown): number {
  const known = error instanceof AppError;
  notice(known ? `${error.code}: ${error.message}` : messageOf(error));
  if (codeOf(error) === 'wrap_usage') return 2;
  return 3;
}
