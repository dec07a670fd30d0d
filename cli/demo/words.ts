/** How the demo speaks to people. Colours only on a terminal, and not where NO_COLOR is set. */
import pc from 'picocolors';
import type { EventView } from '../../api/event_view.ts';
import type { VerifyReport } from '../../ingest/verify/report.ts';
import { inert, print } from '../output.ts';
import type { Scenario } from './scenarios.ts';
import type { McpConnection } from './servers.ts';
import type { AlertJson } from './service_client.ts';

const paint = pc.createColors(process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb');
const WIDTH = 100;

/** A heading with an empty line before it. */
export function heading(text: string): void {
  print(`\n${paint.bold(text)}`);
}

/** Text wrapped at word ends, every line indented. */
export function paragraph(text: string, indent = 2): void {
  const lead = ' '.repeat(indent);
  let line = '';
  for (const word of inert(text).split(' ')) {
    if (line !== '' && indent + line.length + 1 + word.length > WIDTH) {
      print(lead + line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  print(lead + line);
}

const good = (text: string) => paint.green(text);
const bad = (text: string) => paint.bold(paint.red(text));

export function showServers(servers: Iterable<McpConnection>): void {
  for (const { name, claims, version, pid, tools } of servers) {
    const count = tools.length === 1 ? ' 1 tool ' : `${String(tools.length).padStart(2)} tools`;
    print(`  ${name.padEnd(11)}${count}  process ${String(pid).padEnd(8)}${inert(`${claims} ${version}`)}`);
  }
}

export function showSession({ id, attack, about }: Scenario, events: number): void {
  const kind = attack === undefined ? paint.dim('harmless') : paint.yellow('attack  ');
  print(`  ${kind}  ${id.padEnd(23)}${String(events).padStart(2)} events  ${about}`);
}

const SEVERITY: Record<AlertJson['severity'], (text: string) => string> = {
  info: paint.dim,
  low: paint.cyan,
  medium: paint.yellow,
  high: paint.red,
  critical: bad,
};

/** One alert in words: what, why, and the events that prove it, in order. */
export function showAlert(alert: AlertJson, events: ReadonlyMap<number, EventView>): void {
  print(`\n  ${SEVERITY[alert.severity](alert.severity.toUpperCase())}  ${inert(alert.title)}`);
  paragraph(`session ${alert.session_id}, user ${alert.user_id}, rule ${alert.rule_id}`, 4);
  paragraph(alert.reason, 4);
  for (const { seq, role } of alert.evidence) {
    const event = events.get(seq);
    const what = event === undefined ? '' : `${event.type} ${event.server}.${event.tool}`;
    paragraph(`record ${seq}  ${what}: ${role}`, 6);
  }
}

export function showCheck(found: number, attacks: number, quiet: number, lookalikes: number): void {
  const passed = found === attacks && quiet === lookalikes;
  const line = `${found} of ${attacks} attacks found; ${quiet} of ${lookalikes} look-alikes without a high alert`;
  print(`\n  ${passed ? good('as expected') : bad('NOT AS EXPECTED')}: ${line}`);
}

export function showReport(report: VerifyReport, seconds: number): void {
  const { size, checkpoints, sessions, alerts, root, findings } = report;
  const counts = `${size} records, ${sessions} sessions, ${alerts} alerts, ${checkpoints} checkpoints`;
  print(`  ${report.ok ? good('verified') : bad('NOT VERIFIED')}: ${counts} in ${seconds.toFixed(1)} s`);
  print(`  root ${root}`);
  for (const { code, table, column, message } of findings) {
    print(`  ${bad(code)} ${[table, column].filter(Boolean).join('.')}: ${inert(message)}`);
  }
}
