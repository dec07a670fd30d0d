/** `tracewarden up`: the whole service in one process, until it is told to stop. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import pino from 'pino';
import { type Config, loadConfig } from '../../core/config.ts';
import { AppError, codeOf } from '../../core/errors.ts';
import { writeWhole } from '../../core/secret_file.ts';
import { lastService } from '../backend.ts';
import { listen } from '../listen.ts';
import { say } from '../output.ts';
import type { Service } from '../service.ts';

interface UpFlags {
  data?: string;
  port?: string;
  host?: string;
  config?: string;
  insecureLoopback?: boolean;
}

export function upCommand(program: Command): void {
  program
    .command('up')
    .description('run the service: accept events, detect, answer')
    .option('--data <dir>', 'folder of the log (TRACEWARDEN_DATA; default: data)')
    .option('--port <n>', 'port on 127.0.0.1, 0 for any (TRACEWARDEN_PORT; default: 7733)')
    .option('--host <address>', 'address to listen on')
    .option('--config <file>', 'YAML file with settings')
    .option('--insecure-loopback', 'no keys at all for requests from this machine: for trying out only')
    .action(up);
}

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

async function up(flags: UpFlags): Promise<void> {
  const { data, port, host, insecureLoopback: insecure_loopback } = flags;
  const config = loadConfig({ data, port, host, insecure_loopback }, process.env, flags.config);
  checkListening(config);
  const stopped = stopSignal();
  const service = await open(config);
  try {
    await serve(service, config, stopped);
  } finally {
    await service.close();
  }
}

/** Only the engine's own lock says whether the folder is held; what the last service wrote of itself says by whom. */
async function open(config: Config): Promise<Service> {
  const logger = pino({ level: config.log_level }, pino.destination({ fd: 2, sync: true }));
  const { openService } = await import('../service.ts');
  try {
    return await openService({ config, onNotice: (notice, fields) => logger.info(fields, notice), onFatal: halt });
  } catch (error) {
    const holder = codeOf(error) === 'folder_in_use' ? lastService(config.data) : undefined;
    if (holder === undefined) throw error;
    const message = `${config.data} is held by the service at ${holder.url} (process ${holder.pid})`;
    throw new AppError('folder_in_use', message, { cause: error });
  }
}

/** What is stored contradicts what was signed. Nothing more is written; a person has to look. */
function halt(error: AppError): void {
  say(`tracewarden: ${error.code}: ${error.message}; stopping. Run: tracewarden verify`);
  process.exit(1);
}

async function serve(service: Service, config: Config, stopped: Promise<void>): Promise<void> {
  const server = await listen(service.api.app, config.host, config.port);
  writeWhole(join(config.data, 'service.json'), `${JSON.stringify({ url: server.url, pid: process.pid })}\n`);
  if (config.insecure_loopback) warnInsecure();
  const code = service.context.logins.issue({ key_id: 'admin', name: 'console', role: 'admin', tenant: '*' });
  say(`tracewarden listens on ${server.url}`);
  say(`open once within ten minutes: ${server.url}/login?code=${code}`);
  await stopped;
  service.drain();
  say('closing: writing what waits');
  await server.close();
  rmSync(join(config.data, 'service.json'), { force: true });
}

function checkListening(config: Config): void {
  if (LOOPBACK.has(config.host)) return;
  if (config.insecure_loopback) {
    throw new AppError('config_invalid', `insecure_loopback works on loopback only, not on ${config.host}`);
  }
  if (config.hosts.length === 0) {
    throw new AppError(
      'config_invalid',
      `listening on ${config.host} needs "hosts": the names under which it is addressed`,
    );
  }
}

function warnInsecure(): void {
  const line = '!'.repeat(78);
  say(`${line}\n!! --insecure-loopback: everybody on this machine is an administrator. Not for use. !!\n${line}`);
}

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.removeAllListeners('SIGINT');
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        resolve();
        process.once(signal, () => process.exit(130));
      });
    }
  });
}
