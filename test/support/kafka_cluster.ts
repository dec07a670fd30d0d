/**
 * The scaled setting on one machine: a real broker, the real engine behind ClickHouse's protocol, and each role as a
 * process of its own, started with its command. Ways to the store can be shut.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Broker, startBroker } from '../../bench/kafka_broker.ts';
import { openServerStore, type Store } from '../../core/store/store.ts';
import { logVkeysPath, readLogVkeys } from '../../ingest/kafka/log_keys.ts';
import { readSharedPseudonyms } from '../../ingest/kafka/shared_key.ts';
import type { VerifyReport } from '../../ingest/verify/report.ts';
import { verifyLog } from '../../ingest/verify/verify.ts';
import { type Front, startFront } from '../clickhouse_front.ts';
import { buildCommandLine, type CommandLine, type Run } from './command_line.ts';
import { type Gate, openGate } from './tcp_gate.ts';

export const ORIGIN = 'test.example.com/agents';
export const SESSION_TIMEOUT_MS = 3_000;

export interface Role {
  name: string;
  child: ChildProcess;
  ended: Promise<Run>;
}

export interface Cluster {
  broker: Broker;
  gate: Gate;
  /** Reads the store past the gate. */
  store: Store;
  partitions: number;
  /** The service's address and the administrator's key. */
  url: string;
  key: string;
  start(role: 'worker' | 'signer' | 'api', name?: string): Promise<Role>;
  /** Verifies the logs of all partitions against the signer's keys. */
  verify(): Promise<VerifyReport[]>;
  close(): Promise<void>;
}

const READY: Record<string, RegExp> = {
  worker: /worker runs/,
  signer: /signer runs/,
  api: /listens on (http:\S+)/,
};

export async function startCluster(partitions: number): Promise<Cluster> {
  const cli: CommandLine = buildCommandLine();
  const broker = await startBroker({ partitions });
  const front: Front = await startFront(join(cli.folder, 'store'), 'tracewarden', 'a1b2c3');
  const gate = await openGate(Number(new URL(front.url).port));
  const config = join(cli.folder, 'tracewarden.yaml');
  const shared = join(cli.folder, 'shared.key');
  writeFileSync(shared, `${'5e'.repeat(32)}\n`, { mode: 0o600 });
  writeFileSync(config, settings(broker.brokers, gate.port, partitions, shared));
  const roles = new Set<Role>();
  const cluster: Cluster = {
    broker,
    gate,
    store: openServerStore(`http://tracewarden:a1b2c3@${new URL(front.url).host}/default`),
    partitions,
    url: '',
    key: '',
    async start(role, name = role) {
      const data = join(cli.folder, name);
      mkdirSync(data, { recursive: true });
      const args = [role, '--config', config, '--data', data, ...(role === 'api' ? ['--port', '0'] : [])];
      const { child, match, ended } = await cli.start(args, READY[role] as RegExp);
      if (role === 'api') {
        cluster.url = match[1] as string;
        cluster.key = readFileSync(join(data, 'admin.key'), 'utf8').trim();
      }
      const started = { name, child, ended };
      roles.add(started);
      ended.finally(() => roles.delete(started)).catch(() => undefined);
      return started;
    },
    async verify() {
      const pseudonyms = readSharedPseudonyms(shared);
      const reports: VerifyReport[] = [];
      for (const vkey of readLogVkeys(logVkeysPath(join(cli.folder, 'signer'))).values()) {
        const known = { from_source: true, ...(pseudonyms && { pseudonyms }) };
        reports.push(await verifyLog({ store: cluster.store, vkey, ...known }));
      }
      return reports;
    },
    async close() {
      for (const { child } of roles) {
        child.kill('SIGCONT');
        child.kill('SIGKILL');
      }
      await Promise.all([...roles].map(({ ended }) => ended));
      await cluster.store.close();
      await gate.close();
      await front.close();
      await broker.stop();
      cli.close();
    },
  };
  return cluster;
}

function settings(brokers: readonly string[], port: number, partitions: number, shared: string): string {
  return `origin: ${ORIGIN}
clickhouse_url: http://tracewarden:a1b2c3@127.0.0.1:${port}/default
kafka:
  brokers: [${brokers.map((each) => `"${each}"`).join(', ')}]
  partitions: ${partitions}
  session_timeout_ms: ${SESSION_TIMEOUT_MS}
  shared_key_file: ${shared}
`;
}
