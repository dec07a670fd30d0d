/** `tracewarden up`: the whole service in one process, until it is told to stop. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type Config, loadConfig } from '../../core/config.ts';
import { AppError, codeOf } from '../../core/errors.ts';
import { writeWhole } from '../../core/secret_file.ts';
import { lastService } from '../backend.ts';
import { type KafkaRole, kafkaConfigOf } from '../kafka_side.ts';
import { listen } from '../listen.ts';
import { createLogger, halt, leave, stopSignal } from '../long_running.ts';
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
  serving(program.command('up'))
    .description('run the service: accept events, detect, answer')
    .action((flags: UpFlags) => up(flags, ['worker', 'signer']));
}

/** With Kafka: the service without the roles that other processes have. */
export function apiCommand(program: Command): void {
  serving(program.command('api'))
    .description('run the service over Kafka: accept, answer, deliver; workers and a signer run elsewhere')
    .action((flags: UpFlags) => {
      kafkaConfigOf(loadConfig({ data: flags.data }, process.env, flags.config));
      return up(flags, []);
    });
}

function serving(command: Command): Command {
  return command
    .option('--data <dir>', 'folder of the log (TRACEWARDEN_DATA; default: data)')
    .option('--port <n>', 'port on 127.0.0.1, 0 for any (TRACEWARDEN_PORT; default: 7733)')
    .option('--host <address>', 'address to listen on')
    .option('--config <file>', 'YAML file with settings')
    .option('--insecure-loopback', 'no keys at all for requests from this machine: for trying out only');
}

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

async function up(flags: UpFlags, kafka_roles: readonly KafkaRole[]): Promise<void> {
  const { data, port, host, insecureLoopback: insecure_loopback } = flags;
  const config = loadConfig({ data, port, host, insecure_loopback }, process.env, flags.config);
  checkListening(config);
  const stopped = stopSignal();
  const service = await open(config, kafka_roles);
  try {
    await serve(service, config, stopped);
  } finally {
    await service.close();
  }
  if (config.kafka !== undefined) leave();
}

/** Only the engine's own lock says whether the folder is held; what the last service wrote of itself says by whom. */
async function open(config: Config, kafka_roles: readonly KafkaRole[]): Promise<Service> {
  const logger = createLogger(config);
  const { openService } = await import('../service.ts');
  try {
    const onNotice = (notice: string, fields: Record<string, unknown>) => logger.info(fields, notice);
    return await openService({ config, onNotice, onFatal: halt, kafka_roles });
  } catch (error) {
    const holder = codeOf(error) === 'folder_in_use' ? lastService(config.data) : undefined;
    if (holder === undefined) throw error;
    const message = `${config.data} is held by the service at ${holder.url} (process ${holder.pid})`;
    throw new AppError('folder_in_use', message, { cause: error });
  }
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
