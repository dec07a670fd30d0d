/**
 * Apache Kafka for tests and benchmarks: one process that is broker and KRaft controller, on loopback, with free ports, a small heap
 * and a log folder of its own. `KAFKA_BROKERS` names brokers that already run; these are used and never ended.
 */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { type KafkaJars, kafkaCache, kafkaJars } from './kafka_jars.ts';

const run = promisify(execFile);

const START_MS_MAX = 90_000;

export interface Topic {
  topic: string;
  partitions: number;
  config?: Record<string, string>;
}

export interface Broker {
  /** `host:port` of each. */
  brokers: string[];
  /** Of Apache Kafka, or `unknown` for brokers that already ran. */
  version: string;
  /** Whether the process may be killed, paused and restarted; not when `KAFKA_BROKERS` names it. */
  owned: boolean;
  createTopics(topics: readonly Topic[]): Promise<void>;
  /** As a power cut: SIGKILL. */
  kill(): Promise<void>;
  /** Ends the process if it runs and starts it again with the same data and the same port. */
  restart(): Promise<void>;
  /** SIGSTOP: connections stay open and nobody answers. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** Ends the process and removes its folder. */
  stop(): Promise<void>;
}

/** Why no broker can be had here, for a test that is then skipped. Where `CI` is `true` that is an error instead. */
export function brokerUnavailable(): string | undefined {
  const reason = missing();
  if (reason !== undefined && process.env.CI === 'true') throw new Error(`CI needs a Kafka broker: ${reason}`);
  return reason;
}

function missing(): string | undefined {
  if (process.env.KAFKA_BROKERS) return undefined;
  const { stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  const java = Number(/version "(\d+)/.exec(stderr ?? '')?.[1]);
  if (!(java >= 17)) return 'Java 17 or newer is not installed';
  if (process.env.KAFKA_HOME || existsSync(kafkaCache())) return undefined;
  if (spawnSync('mvn', ['-v']).status !== 0)
    return 'Maven is not installed, and neither KAFKA_HOME nor KAFKA_BROKERS is set';
  return undefined;
}

/** A broker that answers. `partitions` is the default of topics that name no number. */
export async function startBroker({ partitions = 1 }: { partitions?: number } = {}): Promise<Broker> {
  const running = process.env.KAFKA_BROKERS;
  if (running) return foreign(running.split(',').map((each) => each.trim()));
  const jars = await kafkaJars();
  const folder = await mkdtemp(join(tmpdir(), 'tracewarden-kafka-'));
  const [port, controller] = await freePorts();
  const settings = join(folder, 'server.properties');
  await writeFile(settings, properties(join(folder, 'data'), port, controller, partitions));
  await writeFile(join(folder, 'log4j2.properties'), LOG4J);
  await format(jars, folder, settings);
  const owned = new OwnedBroker(jars, folder, settings, `127.0.0.1:${port}`);
  await owned.start();
  return owned;
}

class OwnedBroker implements Broker {
  readonly brokers: string[];
  readonly version: string;
  readonly owned = true;
  private child: ChildProcess | undefined;
  private ended: Promise<unknown> = Promise.resolve();
  private readonly jars: KafkaJars;
  private readonly folder: string;
  private readonly settings: string;
  private readonly onExit = () => this.child?.kill('SIGKILL');

  constructor(jars: KafkaJars, folder: string, settings: string, address: string) {
    this.jars = jars;
    this.folder = folder;
    this.settings = settings;
    this.brokers = [address];
    this.version = jars.version;
    process.on('exit', this.onExit);
  }

  async start(): Promise<void> {
    const log = openSync(join(this.folder, 'broker.log'), 'a');
    const java = [
      'java',
      ...javaOptions(this.folder, '256m'),
      '-cp',
      this.jars.classpath,
      'kafka.Kafka',
      this.settings,
    ];
    // The broker goes with the process that started it, however that ends.
    const words = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL', ...java] : java;
    const child = spawn(words[0] ?? 'java', words.slice(1), { stdio: ['ignore', log, log] });
    this.child = child;
    this.ended = new Promise((resolve) => child.once('close', resolve));
    await this.untilAnswers(child);
  }

  createTopics(topics: readonly Topic[]): Promise<void> {
    return createTopics(this.brokers, topics);
  }

  async kill(): Promise<void> {
    this.child?.kill('SIGKILL');
    await this.ended;
  }

  async restart(): Promise<void> {
    this.child?.kill('SIGTERM');
    this.child?.kill('SIGCONT');
    await this.ended;
    await this.start();
  }

  pause(): void {
    this.child?.kill('SIGSTOP');
  }

  resume(): void {
    this.child?.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    await this.kill();
    process.off('exit', this.onExit);
    await rm(this.folder, { recursive: true, force: true });
  }

  private async untilAnswers(child: ChildProcess): Promise<void> {
    const deadline = Date.now() + START_MS_MAX;
    const admin = client(this.brokers).admin();
    try {
      while (!(await answers(admin))) {
        if (child.exitCode === null && child.signalCode === null && Date.now() < deadline) await sleep(100);
        else throw new Error(`the broker does not answer; its log ends with\n${this.lastLines()}`);
      }
    } finally {
      await admin.disconnect();
    }
  }

  private lastLines(): string {
    const text = readFileSync(join(this.folder, 'broker.log'), 'utf8');
    return text.trimEnd().split('\n').slice(-30).join('\n');
  }
}

function foreign(brokers: string[]): Broker {
  const not_ours = () => {
    throw new Error('KAFKA_BROKERS names brokers that these tests do not own');
  };
  return {
    brokers,
    version: 'unknown',
    owned: false,
    createTopics: (topics) => createTopics(brokers, topics),
    kill: async () => not_ours(),
    restart: async () => not_ours(),
    pause: not_ours,
    resume: not_ours,
    stop: async () => undefined,
  };
}

/** A quiet client for what tests do around the code that they test. */
function client(brokers: string[]): Kafka {
  return new Kafka({
    clientId: 'broker-tests',
    brokers,
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1_000,
    requestTimeout: 10_000,
    retry: { retries: 0 },
  });
}

async function answers(admin: ReturnType<Kafka['admin']>): Promise<boolean> {
  try {
    await admin.connect();
    const { controller } = await admin.describeCluster();
    return controller !== null;
  } catch {
    return false;
  }
}

async function createTopics(brokers: string[], topics: readonly Topic[]): Promise<void> {
  const admin = client(brokers).admin();
  await admin.connect();
  try {
    await admin.createTopics({
      waitForLeaders: true,
      topics: topics.map(({ topic, partitions, config = {} }) => ({
        topic,
        numPartitions: partitions,
        configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
      })),
    });
  } finally {
    await admin.disconnect();
  }
}

/** Two ports that nobody listens on. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    ports.push(typeof address === 'object' && address !== null ? address.port : 0);
  }
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  return [ports[0] ?? 0, ports[1] ?? 0];
}

async function format(jars: KafkaJars, folder: string, settings: string): Promise<void> {
  // One that began with a hyphen would be read as an option; Kafka draws its own ids again too.
  let id = '-';
  while (id.startsWith('-')) id = randomBytes(16).toString('base64url');
  const args = ['-cp', jars.classpath, 'kafka.tools.StorageTool', 'format', '-t', id, '-c', settings];
  await run('java', [...javaOptions(folder, '96m'), ...args]);
}

function javaOptions(folder: string, heap: string): string[] {
  return [
    `-Xmx${heap}`,
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-Djava.net.preferIPv4Stack=true',
    `-Dlog4j2.configurationFile=${join(folder, 'log4j2.properties')}`,
  ];
}

/** One node for everything; rebalances without a wait, and sessions as short as tests want them. */
function properties(data: string, port: number, controller: number, partitions: number): string {
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controller}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controller}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=${data}
num.partitions=${partitions}
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
message.max.bytes=20971520
log.cleaner.dedupe.buffer.size=2097152
`;
}

const LOG4J = `rootLogger.level = WARN
rootLogger.appenderRefs = out
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d %p %c: %m%n
`;
