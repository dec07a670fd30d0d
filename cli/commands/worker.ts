/** `tracewarden worker` and `tracewarden signer`: the roles of a service over Kafka that listen on no port. */
import type { Command } from 'commander';
import { type Config, loadConfig } from '../../core/config.ts';
import { AppError } from '../../core/errors.ts';
import type { KafkaSettings } from '../../core/kafka_settings.ts';
import type { Store } from '../../core/store/store.ts';
import { kafkaConfigOf } from '../kafka_side.ts';
import { createLogger, halt, leave, stopSignal } from '../long_running.ts';
import { say } from '../output.ts';

interface RoleFlags {
  data?: string;
  config?: string;
}

interface Role {
  config: Config;
  settings: KafkaSettings;
  origin: string;
  store: Store;
  onNotice: (notice: string, fields: Record<string, unknown>) => void;
}

export function workerCommands(program: Command): void {
  roleOf(program.command('worker'))
    .description('with Kafka: write the logs of some partitions and look for attacks in them')
    .action((flags: RoleFlags) => run(flags, 'worker', work));
  roleOf(program.command('signer'))
    .description('with Kafka: sign the heads of all logs; it alone holds their keys')
    .action((flags: RoleFlags) => run(flags, 'signer', sign));
}

function roleOf(command: Command): Command {
  return command
    .option('--data <dir>', 'folder of keys and memory (TRACEWARDEN_DATA; default: data)')
    .requiredOption('--config <file>', 'YAML file with settings, kafka among them');
}

/** Opens the store, does the work until the process is told to stop, and closes what was opened. */
async function run(
  flags: RoleFlags,
  name: string,
  open: (role: Role) => Promise<{ close(): Promise<void> }>,
): Promise<void> {
  const config = loadConfig({ data: flags.data }, process.env, flags.config);
  const { settings, origin } = kafkaConfigOf(config);
  if (config.clickhouse_url === undefined) {
    const message = 'clickhouse_url: several processes share a store, which the embedded engine cannot; or use: up';
    throw new AppError('config_invalid', message);
  }
  const logger = createLogger(config);
  const onNotice: Role['onNotice'] = (notice, fields) => logger.info(fields, notice);
  const stopped = stopSignal();
  const { openStore } = await import('../service.ts');
  const store = await openStore(config);
  try {
    const running = await open({ config, settings, origin, store, onNotice });
    say(`${name} runs`);
    await stopped;
    say('closing: writing what waits');
    await running.close();
  } finally {
    await store.close();
  }
  leave();
}

async function work(role: Role): Promise<{ close(): Promise<void> }> {
  const { openWorker } = await import('../kafka_worker.ts');
  const { loadJudges } = await import('../judges.ts');
  const { sharedKeyOf } = await import('../kafka_side.ts');
  const { config, settings, onNotice } = role;
  return openWorker({
    ...role,
    shared: sharedKeyOf(config, settings, false),
    judges: await loadJudges(config, onNotice),
    now: Date.now,
    onHalted: (partition, { code, message }) => onNotice('log_halted', { partition, code, error: message }),
    onExpelled: halt,
  });
}

async function sign(role: Role): Promise<{ close(): Promise<void> }> {
  const { openSigning } = await import('../kafka_side.ts');
  const { logsOf } = await import('../../ingest/kafka/topics.ts');
  const { settings, origin, onNotice } = role;
  const onHalted = ({ code, message }: AppError) => onNotice('log_halted', { code, error: message });
  const { signer } = await openSigning({ ...role, now: Date.now, onHalted }, logsOf(origin, settings));
  return signer;
}
