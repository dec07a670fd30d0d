/**
 * The composition root: opens the parts of one service and joins them. The log, the signer, detection and the API run
 * in this process; what is opened last is closed first.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createAccessTrail } from '../api/access_trail.ts';
import { createApi } from '../api/app.ts';
import { openAccess } from '../api/auth/access.ts';
import { createAttempts } from '../api/auth/attempts.ts';
import { openIdentityProvider } from '../api/auth/identity_provider.ts';
import { createLoginCodes } from '../api/auth/login.ts';
import type { ApiContext } from '../api/context.ts';
import { createMetrics, type Metrics } from '../api/metrics.ts';
import { openResponse, type Response } from '../api/response/response.ts';
import type { Api } from '../api/route.ts';
import type { Config } from '../core/config.ts';
import { AppError } from '../core/errors.ts';
import { CORE_VERSION } from '../core/event.ts';
import { canonicalJson } from '../core/json/canonical.ts';
import { LIMITS, type Limits } from '../core/limits.ts';
import { KEEP_ALL } from '../core/retention_settings.ts';
import { readIfThere, readSecret, writeWhole } from '../core/secret_file.ts';
import { migrate } from '../core/store/migrate.ts';
import { openStoreOf } from '../core/store/open.ts';
import { readConfiguration } from '../core/store/queries/takeover.ts';
import type { Store } from '../core/store/store.ts';
import { createCatalog } from '../detectors/catalog/capabilities.ts';
import { sessionKey } from '../detectors/engine.ts';
import { loadRulesWith } from '../detectors/load_rules.ts';
import { Checkpointer } from '../ingest/checkpointer.ts';
import { type Forget, finishErasures } from '../ingest/erase.ts';
import { writerIntake } from '../ingest/intake.ts';
import { type Keyring, openKeyring } from '../ingest/keyring.ts';
import { LogWriter } from '../ingest/log_writer.ts';
import { runRetention } from '../ingest/retention.ts';
import { startRetention } from '../ingest/retention_job.ts';
import { openSigner } from '../ingest/signer.ts';
import { coreLimits } from './core_limits.ts';
import { alertRecord } from './detected_writer.ts';
import { Detection } from './detection.ts';
import { FeedbackList } from './feedback_list.ts';
import { type Judges, loadJudges, openEngine, type Policies } from './judges.ts';
import { type KafkaRole, type KafkaSide, kafkaConfigOf, openKafkaSide } from './kafka_side.ts';
import { SuppressionList } from './suppression_list.ts';
import { VERSION } from './version.ts';

export interface ServiceOptions {
  config: Config;
  now?: () => number;
  /** Limits of accepting that differ from the table's. */
  limits?: Partial<Limits>;
  onNotice?: ApiContext['onNotice'];
  /** The log can no longer be vouched for: the process must end, and a person must look. */
  onFatal?: (error: AppError) => void;
  /** Whether subscribers are told. Where not, a later start tells them. */
  deliver?: boolean;
  /** With Kafka: what else this process does beside accepting, answering and delivering. */
  kafka_roles?: readonly KafkaRole[];
}

/** A running service without its socket. */
export interface Service {
  api: Api;
  context: ApiContext;
  store: Store;
  keyring: Keyring;
  writer: LogWriter;
  /** Key of the administrator, from the data folder. */
  admin_key: string;
  /** Signs the head now. */
  checkpoint(): Promise<void>;
  /** Resolves when all that was taken so far was looked at by the detectors and their alerts are stored. */
  settled(): Promise<void>;
  /** From here on the service says that it is not ready; it still answers. */
  drain(): void;
  close(): Promise<void>;
}

/** Opens the folder for writing. Throws `folder_in_use` and the errors of `takeOver`. */
export async function openService(options: ServiceOptions): Promise<Service> {
  const { config, onNotice = () => undefined } = options;
  const judges = await loadJudges(config, onNotice);
  mkdirSync(config.data, { recursive: true, mode: 0o700 });
  const store = await openStore(config);
  try {
    return await assemble(options, store, judges);
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** Tells how long something took, also when it failed. */
async function measured<T>(work: Promise<T>, tell: (seconds: number) => void): Promise<T> {
  const began = performance.now();
  try {
    return await work;
  } finally {
    tell((performance.now() - began) / 1_000);
  }
}

/** The store of a configuration, with its schema. */
export async function openStore(config: Config): Promise<Store> {
  const store = await openStoreOf(config);
  await migrate(store);
  return store;
}

async function assemble(options: ServiceOptions, store: Store, judges: Judges): Promise<Service> {
  const { config, now = Date.now, onNotice = () => undefined, onFatal = () => undefined, limits } = options;
  const keyring = openKeyring(config.data, config.origin);
  const signer = openSigner(config.data, keyring.origin, keyring.seed);
  const log = keyring.origin;
  const { all, off, signals, policies, catalog_files } = judges;
  // With Kafka events stand in other logs: the own one holds nothing that detectors look at.
  const detects = config.detection && config.kafka === undefined;
  let writer: LogWriter | undefined;
  let closing = false;
  const metrics = createMetrics();
  const { engine, rules } = await openEngine(judges, config, onNotice);
  let suppressions: SuppressionList | undefined;
  let feedback: FeedbackList | undefined;
  let response: Response | undefined;
  const detection = await Detection.open({
    store,
    log,
    engine,
    writer: () => present(writer),
    now,
    onNotice,
    recordOf: (finding) =>
      suppressions?.heldBack(finding, now()) ?? alertRecord(feedback?.weighed(finding, now()) ?? finding),
  });
  writer = await LogWriter.open({
    store,
    log,
    pseudonyms: keyring.pseudonyms,
    lastSigned: () => signer.last(),
    now,
    onCommitted: (records) => {
      suppressions?.observe(records);
      feedback?.observe(records);
      response?.observe(records);
      return detects ? measured(detection.observe(records), metrics.detected) : Promise.resolve();
    },
    onAdopted: async (_, to) => {
      await suppressions?.reload(to, now());
      await feedback?.reload(to, now());
      response?.adopted(to);
      if (detects) await detection.catchUp(to);
    },
    onStored: metrics.stored,
    onNotice,
    onFatal,
  });
  // What an erasure that was cut short left undone, before anybody reads.
  await finishErasures(store, log, writer.head.size);
  suppressions = await SuppressionList.open(store, log, writer.head.size, now());
  feedback = await FeedbackList.open(store, log, writer.head.size, now());
  const policy = policies.suspension?.policy;
  const kafka = await openKafka(options, keyring, store, judges, metrics);
  response = await openResponse({
    config,
    store,
    log,
    other_logs: kafka?.logs.map((known) => known.log) ?? [],
    writer,
    now,
    version: VERSION,
    policy,
    onAttempt: metrics.attempted,
    onNotice,
  });
  if (detects) await detection.start(writer.head.size);
  await recordConfiguration(store, writer, now, policies, config.rules_off);
  const onFault = (error: AppError) => {
    onNotice('checkpoint_failed', { code: error.code, error: error.message });
    if (error.fatal) onFatal(error);
  };
  const checkpointer = new Checkpointer({ store, signer, head: () => present(writer).head, now, onFault });
  await checkpointer.start();
  const access = await openAccess(store, writer, now);
  const forget: Forget = (tenant, session_ids) =>
    detection.lookAgain(session_ids.map((session_id) => sessionKey({ tenant, session_id })));
  const context: ApiContext = {
    store,
    log,
    vkey: keyring.vkey,
    logs: [
      {
        log,
        vkey: keyring.vkey,
        publishCheckpoint: () => checkpointer.publish(),
        signManifest: (sha256) => signer.signManifest(sha256),
        verifyWith: () => {
          const signed = signer.last();
          return { pseudonyms: keyring.pseudonyms, ...(signed && { signed }) };
        },
      },
      ...(kafka?.logs ?? []),
    ],
    signManifest: (sha256) => signer.signManifest(sha256),
    writer,
    intake: kafka?.intake ?? writerIntake(writer),
    ...(kafka && { owned: () => kafka.owned() }),
    access,
    trail: createAccessTrail(writer, now),
    attempts: createAttempts({ ...LIMITS, ...limits }),
    ...(config.oidc && { identity: openIdentityProvider(config.oidc, now) }),
    logins: createLoginCodes(now),
    now,
    ...(limits === undefined ? {} : { limits }),
    hosts: [...config.hosts, config.host],
    insecure_loopback: config.insecure_loopback,
    onNotice,
    counters: { bodies_refused: {}, records: {} },
    metrics,
    closing: () => closing,
    catalog: createCatalog([], catalog_files),
    ...(rules && {
      rulebook: {
        detectors: all,
        off,
        rules: rules.current,
        refused: rules.refused,
        withText: (text: string) => loadRulesWith(text, { folder: config.rules_folder, signals }),
      },
    }),
    detection: () => detection.status,
    // Once through, since in a busy log there is always more.
    settled: async () => {
      await present(writer).settled();
      await detection.flush();
    },
    forget,
    retention: config.retention ?? KEEP_ALL,
    response,
    version: VERSION,
  };
  metrics.watch(context);
  const admin_key = await adminKey(config.data, context);
  if (options.deliver !== false) await response.start(writer.head.size);
  if (options.deliver !== false) await kafka?.publishCommands(() => present(writer).head.size);
  kafka?.follow((of, size) => present(response).adopted(size, of));
  const settings = config.retention;
  const run = () =>
    runRetention({
      store,
      log,
      settings: settings ?? KEEP_ALL,
      now_ms: now(),
      writer: present(writer),
      actor: 'retention',
      forget,
    });
  const stopRetention =
    settings === undefined || options.deliver === false ? undefined : startRetention({ run, onNotice });
  const settled = async () => {
    // Alerts are records too: observing a batch may add one more.
    for (let size = -1; size !== present(writer).head.size; ) {
      size = present(writer).head.size;
      await present(writer).settled();
      await detection.flush();
      await present(response).drained();
    }
  };
  return {
    api: createApi(context),
    context,
    store,
    keyring,
    writer,
    admin_key,
    async checkpoint() {
      await checkpointer.publish();
      await kafka?.checkpoint();
    },
    settled,
    drain() {
      closing = true;
    },
    async close() {
      await stopRetention?.();
      rules?.close();
      detection.stopRetrying();
      await kafka?.close();
      await settled();
      await present(response).close();
      await detection.close();
      await present(writer).close();
      await checkpointer.close();
      await store.close();
    },
  };
}

/** What Kafka adds, where the configuration names it. Throws `config_invalid` without a name for the logs. */
function openKafka(
  { config, now = Date.now, onNotice = () => undefined, onFatal = () => undefined, kafka_roles }: ServiceOptions,
  { origin }: Keyring,
  store: Store,
  judges: Judges,
  metrics: Metrics,
): Promise<KafkaSide> | undefined {
  if (config.kafka === undefined) return undefined;
  const { settings } = kafkaConfigOf(config);
  const onHalted = (error: AppError) => onNotice('log_halted', { code: error.code, error: error.message });
  const roles = new Set<KafkaRole>(kafka_roles ?? ['worker', 'signer']);
  const of = { config, settings, origin, store, judges, roles, now, onNotice, onHalted, onFatal };
  return openKafkaSide({ ...of, onDetected: metrics.detected, onStored: metrics.stored });
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new AppError('not_open', 'the log is not open yet');
  return value;
}

/**
 * What shapes the bytes of a core is written into the log before the first record that it shapes, and which policies
 * are followed from here on.
 */
async function recordConfiguration(
  store: Store,
  writer: LogWriter,
  now: () => number,
  { supply, suspension }: Policies,
  rules_off: readonly string[],
): Promise<void> {
  const policy = supply && { policy_sha256: supply.sha256 };
  const suspending = suspension && { suspension_sha256: suspension.sha256 };
  const silent = rules_off.length > 0 && { rules_off: [...rules_off].sort() };
  const detail = { core_version: CORE_VERSION, limits: coreLimits(), ...policy, ...suspending, ...silent };
  const in_force = await readConfiguration(store, writer.head.log);
  if (in_force === canonicalJson(detail)) return;
  const record = writer.stamp({
    kind: 'config',
    type: 'log.config',
    event_id: `config-${writer.head.size}`,
    tenant: '*',
    session_id: '',
    user_id: '',
    actor: 'tracewarden',
    time_ms: now(),
    detail,
  });
  await writer.submitInternal([record]);
}

/** The administrator's key lies in the data folder, for whoever may read that folder. Made on first start. */
async function adminKey(data: string, context: ApiContext): Promise<string> {
  const path = join(data, 'admin.key');
  const stored = readIfThere(path) === undefined ? undefined : readSecret(path)?.trim();
  if (stored !== undefined && context.access.check(stored) !== undefined) return stored;
  const { key } = await context.access.create(
    { name: 'first administrator', role: 'admin', tenant: '*' },
    'tracewarden',
  );
  writeWhole(path, `${key}\n`);
  return key;
}
