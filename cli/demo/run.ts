/**
 * The demo: a throw-away store and the live service, scripted agents that call real MCP servers, and what Tracewarden
 * makes of it. It checks itself: an attack that is missed or a look-alike that is accused is a failed demo.
 */
import { rmSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { SEVERITY_RISK } from '../../core/alert.ts';
import { AppError } from '../../core/errors.ts';
import { print } from '../output.ts';
import { type Closing, createClosing } from './closing.ts';
import { runSession } from './gateway.ts';
import { SCENARIOS, type Scenario } from './scenarios.ts';
import { type McpConnection, startServers } from './servers.ts';
import { type AlertJson, type DemoService, openDemoService } from './service_client.ts';
import { openSink, type Sink } from './sink.ts';
import { type Change, changeOneByte, copyData, verifyCopy } from './tampering.ts';
import { heading, paragraph, showAlert, showCheck, showReport, showServers, showSession } from './words.ts';
import { createWorkspace, OUTSIDE_HOST, type Workspace } from './workspace.ts';

export interface DemoOptions {
  /** Serve until a signal comes; otherwise the demo ends by itself. */
  stay: boolean;
  /** Aborted when the demo is to stop. */
  stop: AbortSignal;
}

/** Runs the demo and gives its exit code. Everything that it opened is closed and removed then. */
export async function runDemo({ stay, stop }: DemoOptions): Promise<number> {
  const closing = createClosing();
  try {
    const passed = await Promise.race([play(closing, stay), stopped(stop)]);
    if (stay && passed !== 'stopped') await stopped(stop);
    if (passed === 'stopped') return 130;
    return passed ? 0 : 1;
  } finally {
    await closing.close();
  }
}

function stopped(stop: AbortSignal): Promise<'stopped'> {
  return new Promise((resolve) => {
    if (stop.aborted) resolve('stopped');
    stop.addEventListener('abort', () => resolve('stopped'));
  });
}

async function play(closing: Closing, stay: boolean): Promise<boolean> {
  const started_ms = performance.now();
  const place = createWorkspace();
  const remove = () => rmSync(place.root, { recursive: true, force: true });
  process.once('exit', remove);
  closing.add(remove);
  print('Tracewarden demo: agents that use MCP tools, some of them under attack.');
  paragraph('Real: the MCP servers (separate processes), every tool call and result, the service and its log.', 0);
  paragraph(
    'Scripted: the prompts, and what the agents decide. No language model runs, nothing leaves this machine.',
    0,
  );

  const sink = await openSink();
  closing.add(() => sink.close());
  const [demo, servers] = await Promise.all([
    openDemoService(place.data, closing),
    startServers(place, sink.url, closing),
  ]);
  heading('MCP servers, over stdio');
  showServers(servers.values());
  await playSessions(demo, servers);
  await showWhatLeft(place, sink);
  const detected = await explainAlerts(demo);
  const verified = await verifyLive(demo);
  const noticed = await tamper(demo, place, closing);
  const seconds = ((performance.now() - started_ms) / 1000).toFixed(1);
  print(`\nThe demo took ${seconds} s.`);
  invite(demo, stay);
  return detected && verified && noticed;
}

async function playSessions(demo: DemoService, servers: ReadonlyMap<string, McpConnection>): Promise<void> {
  heading(`Sessions, posted as events to ${demo.url}/v1/events`);
  for (const scenario of SCENARIOS) {
    const given = [...servers.values()].filter(({ name }) => scenario.servers.includes(name));
    const { id: session_id, user_id, agent, script } = scenario;
    const events = await runSession({ session_id, user_id, agent, servers: given, post: demo.post }, script);
    showSession(scenario, events);
  }
  await demo.service.settled();
}

/** The attacks are real: what was sent has arrived at the demo's own ends. */
async function showWhatLeft(place: Workspace, sink: Sink): Promise<void> {
  const mails = (await readdir(place.outbox)).length;
  paragraph(
    `${mails} mails lie in the outbox and ${sink.posts.length} posts arrived at the sink: the attacks did work.`,
  );
}

async function explainAlerts(demo: DemoService): Promise<boolean> {
  const alerts = await demo.alerts();
  heading(`Alerts: ${alerts.length}`);
  for (const alert of alerts) showAlert(alert, await demo.events(alert.session_id));
  const attacks = SCENARIOS.filter(({ attack }) => attack !== undefined);
  const lookalikes = SCENARIOS.filter(({ attack }) => attack === undefined);
  const found = attacks.filter((scenario) => isFound(scenario, alerts)).length;
  const quiet = lookalikes.filter(({ id }) => !alerts.some((alert) => alert.session_id === id && isHigh(alert))).length;
  showCheck(found, attacks.length, quiet, lookalikes.length);
  return found === attacks.length && quiet === lookalikes.length;
}

const isHigh = ({ severity }: AlertJson) => SEVERITY_RISK[severity] >= SEVERITY_RISK.high;

function isFound({ id, attack }: Scenario, alerts: readonly AlertJson[]): boolean {
  return alerts.some(
    ({ session_id, rule_id, severity }) =>
      session_id === id && rule_id === attack?.rule_id && severity === attack.severity,
  );
}

async function verifyLive(demo: DemoService): Promise<boolean> {
  heading('The log, verified by the service from its stored bytes');
  await demo.service.checkpoint();
  const started_ms = performance.now();
  const report = await demo.verify();
  showReport(report, (performance.now() - started_ms) / 1000);
  return report.ok;
}

/** Somebody with the database in hand hides where the mail went: one byte of one row, in a copy of the folder. */
async function tamper(demo: DemoService, place: Workspace, closing: Closing): Promise<boolean> {
  const change = await changeOf(demo);
  await copyData(demo.service, place.data, place.copy);
  await changeOneByte(place.copy, change, closing);
  heading('A copy of the data folder, with one byte of one row changed in the database');
  paragraph(`record ${change.seq}: "${change.before}" became "${change.after}" in the result that held the attack`);
  const started_ms = performance.now();
  const { code, report } = await verifyCopy(place.copy, closing);
  paragraph(`tracewarden verify --data <tmp>/copy ends with exit code ${code}:`);
  showReport(report, (performance.now() - started_ms) / 1000);
  return code === 1 && report.findings.length === 1 && report.findings[0]?.seq === change.seq;
}

async function changeOf(demo: DemoService): Promise<Change> {
  const events = await demo.events('ticket-injection');
  const poisoned = [...events.values()].find(({ type, tool }) => type === 'tool.result' && tool === 'get_ticket');
  if (poisoned === undefined) throw new AppError('demo_script', 'the session of the poisoned ticket is not stored');
  return { seq: poisoned.seq, before: OUTSIDE_HOST, after: OUTSIDE_HOST.replace('desk', 'dusk') };
}

function invite({ url, service }: DemoService, stay: boolean): void {
  const code = service.context.logins.issue({ key_id: 'demo', name: 'demo', role: 'admin', tenant: 'default' });
  heading('Look at it yourself');
  print(`  ${url}/login?code=${code}`);
  if (stay) paragraph('The address works once, within ten minutes. Ctrl-C stops the demo and removes its folder.');
  else paragraph('This run ends here and removes all it made. On a terminal, or with --stay, the pages stay open.');
}
