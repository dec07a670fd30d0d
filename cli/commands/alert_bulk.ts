/** Acting on several alerts with one command: those that are named, or those that a query finds. */
import { AppError } from '../../core/errors.ts';
import { LIMITS } from '../../core/limits.ts';
import { type Backend, queryOf } from '../backend.ts';
import { failWith } from '../command.ts';
import { inert, print, printJson, say } from '../output.ts';
import { withCaret } from '../query_text.ts';

export interface Selection {
  alert_ids: readonly string[];
  query?: string | undefined;
  tenant?: string | undefined;
  /** Most alerts that a query may find; with more, nothing is done. */
  max?: string | undefined;
}

interface ChosenJson {
  alert_id: string;
  status: string;
  severity: string;
  title: string;
  version: number;
}

interface OutcomeJson {
  alert_id: string;
  outcome: 'done' | 'repeated' | 'refused';
  code?: string;
  detail?: string;
  alert?: { status: string; verdict: string | null };
}

/** The alerts of a selection as they are now. Throws `usage` for none, and `too_many_alerts`. */
export async function chosenAlerts(backend: Backend, selection: Selection): Promise<ChosenJson[]> {
  const { alert_ids, query, tenant } = selection;
  if ((alert_ids.length === 0) === (query === undefined)) {
    throw new AppError('usage', 'name alerts by their ids, or give --query; not both');
  }
  if (query !== undefined) return withCaret(query, () => found(backend, query, selection));
  const chosen: ChosenJson[] = [];
  for (const alert_id of new Set(alert_ids)) {
    chosen.push(
      await backend.json<ChosenJson>('GET', `/v1/alerts/${encodeURIComponent(alert_id)}${queryOf({ tenant })}`),
    );
  }
  return chosen;
}

async function found(backend: Backend, q: string, { tenant, max = '1000' }: Selection): Promise<ChosenJson[]> {
  const most = Number(max);
  if (!Number.isSafeInteger(most) || most < 1)
    throw new AppError('usage', `--max must be a whole number, not ${inert(max)}`);
  const chosen: ChosenJson[] = [];
  let cursor: string | undefined;
  do {
    const path = `/v1/alerts${queryOf({ tenant, q, limit: String(LIMITS.page_rows_max), cursor })}`;
    const page = await backend.json<{ alerts: ChosenJson[]; next_cursor: string | null }>('GET', path);
    chosen.push(...page.alerts);
    cursor = page.next_cursor ?? undefined;
    if (chosen.length > most) {
      throw new AppError(
        'too_many_alerts',
        `the query finds more than ${most} alerts; nothing was done. Narrow it or raise --max`,
      );
    }
  } while (cursor !== undefined);
  return chosen;
}

/** Says what would be acted on, and does nothing. */
export function showDry(chosen: readonly ChosenJson[], json: boolean | undefined): void {
  for (const { alert_id, status, severity, title, version } of chosen) {
    if (json) printJson({ alert_id, status, severity, title, version, dry_run: true });
    else print(`${inert(alert_id)}  ${severity}  ${status}  ${inert(title)}`);
  }
  say(`${chosen.length} alerts; nothing was done, since this is a dry run`);
}

/**
 * Takes one action on all of them, a bounded number with each request. Whoever changed one of them since it was read
 * keeps what they did. Ends with 1 when some were refused.
 */
export async function actOnMany(
  backend: Backend,
  chosen: readonly ChosenJson[],
  action: Record<string, unknown>,
  flags: { tenant?: string | undefined; json?: boolean | undefined },
): Promise<void> {
  let refused = 0;
  for (let from = 0; from < chosen.length; from += LIMITS.bulk_alerts_max) {
    const part = chosen.slice(from, from + LIMITS.bulk_alerts_max);
    const body = {
      alert_ids: part.map(({ alert_id }) => alert_id),
      action,
      // A repeated request must reach what it changed itself.
      ...(action.request_id === undefined && {
        expected_versions: Object.fromEntries(part.map(({ alert_id, version }) => [alert_id, version])),
      }),
    };
    const path = `/v1/alerts/bulk${queryOf({ tenant: flags.tenant })}`;
    const answer = await backend.json<{ refused: number; outcomes: OutcomeJson[] }>('POST', path, body);
    for (const outcome of answer.outcomes) printOutcome(outcome, flags.json);
    refused += answer.refused;
  }
  say(`${chosen.length - refused} of ${chosen.length} alerts`);
  if (refused > 0) failWith(1);
}

function printOutcome(outcome: OutcomeJson, json: boolean | undefined): void {
  if (json) printJson({ ...outcome });
  else print(outcomeText(outcome));
}

function outcomeText({ alert_id, alert, outcome, code, detail = '' }: OutcomeJson): string {
  if (alert === undefined) return `${inert(alert_id)} refused: ${code}: ${inert(detail)}`;
  const now = `${inert(alert_id)} is ${alert.status}${alert.verdict === null ? '' : ` as ${alert.verdict}`}`;
  return `${now}${outcome === 'repeated' ? '; this request was carried out before' : ''}`;
}
