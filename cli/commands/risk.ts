/** `tracewarden risk`: who or what is riskiest, and what adds up to the risk of one. */
import type { Command } from 'commander';
import pc from 'picocolors';
import { AppError } from '../../core/errors.ts';
import { RISK_KINDS, type RiskKind } from '../../core/store/queries/risk.ts';
import { queryOf } from '../backend.ts';
import { type CommonFlags, useLog, withBackend } from '../command.ts';
import { coloured, inert, print, printJson, say, table } from '../output.ts';

interface RiskFlags extends CommonFlags {
  tenant?: string;
  at?: string;
  limit?: string;
}

interface RiskJson {
  id: string;
  risk: number;
  alerts: number;
  open_alerts: number;
  signals: number;
  rules: number;
  sessions: number;
  last_time: string;
}

interface ContributionJson {
  source: string;
  id: string;
  severity: string;
  title: string;
  session_id: string;
  time: string;
  points: number;
  reason: string;
}

const when = (time: string) => time.slice(0, 19).replace('T', ' ');

/** Adds `risk`. */
export function riskCommand(program: Command): void {
  withBackend(program.command('risk').argument('[kind]', RISK_KINDS.join(', '), 'user').argument('[id]'))
    .description('who or what is riskiest; with an id, what adds up to its risk')
    .option('--at <time>', 'as of this time, RFC 3339 (default: now)')
    .option('--tenant <tenant>')
    .option('--limit <n>', 'rows', '20')
    .action(run);
}

async function run(given: string, id: string | undefined, flags: RiskFlags): Promise<void> {
  const kind = RISK_KINDS.find((each) => each === given);
  if (kind === undefined)
    throw new AppError('usage', `there is no risk of a ${given}; there is ${RISK_KINDS.join(', ')}`);
  const { tenant, at, limit } = flags;
  const query = queryOf({ tenant, at, limit });
  await useLog(flags, async (backend) => {
    if (id === undefined) {
      const { risks } = await backend.json<{ risks: RiskJson[] }>('GET', `/v1/risk/${kind}${query}`);
      if (flags.json) for (const risk of risks) printJson({ ...risk });
      else list(kind, risks);
      return;
    }
    const path = `/v1/risk/${kind}/${encodeURIComponent(id)}${query}`;
    const shown = await backend.json<{ risk: RiskJson; contributions: ContributionJson[] }>('GET', path);
    if (flags.json) printJson({ ...shown });
    else show(kind, shown);
  });
}

function list(kind: RiskKind, risks: readonly RiskJson[]): void {
  if (risks.length === 0) {
    say(`nothing was found of any ${kind} that still counts`);
    return;
  }
  const cells = risks.map((each) => [
    each.id,
    ...[each.risk, each.open_alerts, each.alerts, each.signals, each.rules, each.sessions].map(String),
    when(each.last_time),
  ]);
  print(table([kind, 'risk', 'open', 'alerts', 'signals', 'rules', 'sessions', 'last'], cells));
}

function show(kind: RiskKind, { risk, contributions }: { risk: RiskJson; contributions: ContributionJson[] }): void {
  print(`${kind} ${pc.bold(inert(risk.id))}: risk ${risk.risk}`);
  for (const each of contributions) {
    print(`${String(each.points).padStart(6)}  ${coloured(each.severity)} ${inert(each.title)}`);
    print(
      pc.dim(
        `        ${each.reason}; ${when(each.time)}, session ${inert(each.session_id)}, ${each.source} ${inert(each.id)}`,
      ),
    );
  }
  const found = risk.alerts + risk.signals;
  if (found > contributions.length) say(`${found - contributions.length} more add less; raise --limit`);
}
