/** Verifies rows that are projected from the program's own records: alerts, what was done with them, access keys. */
import { alertActionRow, isAlertAction } from '../../core/alert_action.ts';
import type { Core } from '../../core/core_record.ts';
import { messageOf } from '../../core/errors.ts';
import { type Fields, groupFields } from '../../core/groups.ts';
import type { HeadRow } from '../../core/store/queries/head.ts';
import {
  type KeyProjection,
  streamActionRows,
  streamAlertRows,
  streamKeyRows,
  streamSuppressedRows,
} from '../../core/store/queries/projections.ts';
import type { EventRows } from '../../core/store/queries/record_rows.ts';
import type { Store } from '../../core/store/store.ts';
import { SUPPRESSED_FINDING, suppressedFindingRow } from '../../core/suppression.ts';
import type { KeyDetail } from '../encode.ts';
import { erasedAlert, expectedAlert } from './record_check.ts';
import { columnOf, type Findings } from './report.ts';
import { settledSize } from './settled_size.ts';

/** Collects what the records say and compares it with the rows in the end. Memory: one entry a row. */
export class Projections {
  private readonly log: string;
  private readonly findings: Findings;
  private readonly alerts = new Map<string, Fields>();
  private readonly alerts_seen = new Set<string>();
  private readonly actions = new Map<string, Fields>();
  private readonly suppressed = new Map<string, Fields>();
  private readonly keys = new Map<string, Fields>();

  constructor(log: string, findings: Findings) {
    this.log = log;
    this.findings = findings;
  }

  /** Alerts that the log speaks of. */
  get alert_count(): number {
    return this.alerts_seen.size;
  }

  record(row: EventRows, core: Core): void {
    if (core.kind !== 'alert' && core.kind !== 'action') return;
    try {
      if (core.kind === 'alert') this.alert(row, core);
      else if (core.type === 'key.changed') this.key(row);
      else if (isAlertAction(core.type)) this.action(row);
      else if (core.type === SUPPRESSED_FINDING) this.suppressedFinding(row);
    } catch (error) {
      const message = `detail of record ${row.seq} cannot be read: ${messageOf(error).slice(0, 80)}`;
      this.findings.add({ code: 'column_changed', table: 'events', column: 'detail', seq: row.seq, message });
    }
  }

  private alert(row: EventRows, core: Core): void {
    const id = `${row.tenant}\0${row.event_id}`;
    this.alerts_seen.add(id);
    const erased = row.detail === '' && core.commit.detail !== undefined;
    this.alerts.set(id, erased ? erasedAlert(row, this.log) : expectedAlert(row, this.log));
  }

  private action(row: EventRows): void {
    const projected = alertActionRow({ ...placeOf(row), who: groupFields(row.who) }, this.log);
    this.actions.set(actionKey(projected), { ...projected });
  }

  private suppressedFinding(row: EventRows): void {
    const projected = suppressedFindingRow(placeOf(row), this.log);
    this.suppressed.set(suppressedKey(projected), { ...projected });
  }

  private key(row: EventRows): void {
    const detail = groupFields(row.detail) as unknown as KeyDetail;
    const before = this.keys.get(detail.key_id);
    if (before !== undefined && (before.version as number) > row.seq) return;
    const { key_id, name, role, tenant, sha256, created_at_ms, expires_at_ms, revoked } = detail;
    const projected = { key_id, version: row.seq, name, role, tenant, sha256, created_at_ms, expires_at_ms, revoked };
    this.keys.set(key_id, projected);
  }

  /**
   * Compares with the stored rows. Without content `detail` was still read, since it holds no content. Keys stand in the
   * service's own log: the rows of keys say nothing of a log whose records come from Kafka.
   */
  async compare(store: Store, head: HeadRow, from_source: boolean): Promise<void> {
    for await (const rows of streamAlertRows(store, this.log, head.size)) {
      for (const row of rows) this.compareRow('alerts', this.alerts, `${row.tenant}\0${row.alert_id}`, { ...row });
    }
    this.reportLeft('alerts', this.alerts);
    for await (const rows of streamActionRows(store, this.log, head.size)) {
      for (const row of rows) this.compareRow('alert_actions', this.actions, actionKey(row), { ...row });
    }
    this.reportLeft('alert_actions', this.actions);
    for await (const rows of streamSuppressedRows(store, this.log, head.size)) {
      for (const row of rows) this.compareRow('suppressed_findings', this.suppressed, suppressedKey(row), { ...row });
    }
    this.reportLeft('suppressed_findings', this.suppressed);
    if (from_source) return;
    await this.compareKeys(store, head);
    this.reportLeft('access_keys', this.keys);
  }

  private async compareKeys(store: Store, head: HeadRow): Promise<void> {
    const stored: KeyProjection[] = [];
    for await (const rows of streamKeyRows(store)) stored.push(...rows);
    const size_now = await settledSize(store, head, (size) => stored.some((key) => key.version >= size));
    for (const row of stored) {
      // Changed while we read: its record is above the head that is verified.
      if (row.version >= head.size && row.version < size_now) this.keys.delete(row.key_id);
      else this.compareRow('access_keys', this.keys, row.key_id, { ...row });
    }
  }

  private compareRow(table: string, expected: Map<string, Fields>, id: string, stored: Fields): void {
    const wanted = expected.get(id);
    const shown = id.split('\0').at(-1);
    if (wanted === undefined) {
      this.findings.add({ code: 'row_extra', table, message: `${shown} has no record in the log` });
      return;
    }
    expected.delete(id);
    for (const [column, value] of Object.entries(wanted)) {
      if (JSON.stringify(value) === JSON.stringify(stored[column])) continue;
      const message = `${shown}: ${columnOf(column)} is ${JSON.stringify(stored[column])?.slice(0, 120)}, its record says otherwise`;
      this.findings.add({ code: 'column_changed', table, column: columnOf(column), message });
    }
  }

  private reportLeft(table: string, left: Map<string, Fields>): void {
    for (const id of left.keys()) {
      this.findings.add({
        code: 'row_missing',
        table,
        message: `${id.split('\0').at(-1)} is in the log, its row is gone`,
      });
    }
  }
}

/** What a row of `events` says of a record of our own. The row itself moves on with its stream. */
function placeOf({ tenant, seq, event_id, type, received_at_ms, detail }: EventRows) {
  return { tenant, seq, event_id, type, received_at_ms, detail: groupFields(detail) };
}

/** Names under which findings show rows whose tables have no id of their own: what was acted on, and the record. */
const actionKey = (row: { tenant: string; alert_id: string; seq: number }) =>
  `${row.tenant}\0action ${row.seq} on ${row.alert_id}`;
const suppressedKey = (row: { tenant: string; suppression_id: string; seq: number }) =>
  `${row.tenant}\0finding ${row.seq} of ${row.suppression_id}`;
