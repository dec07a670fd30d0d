/** Alerts as a triage queue: facets, keys, actions on several at once, and one alert beside the list. */
import { useEffect, useState } from 'preact/hooks';
import { useLocation } from 'preact-iso/router';
import { apiAddress } from '../api.ts';
import type { Alert } from '../api_types.ts';
import { AlertPanel } from '../parts/alert_panel.tsx';
import { AlertTable } from '../parts/alert_table.tsx';
import { BulkActions } from '../parts/bulk_actions.tsx';
import { CopyAs } from '../parts/copy_as.tsx';
import { Pager } from '../parts/pager.tsx';
import { QueryBar } from '../parts/query_bar.tsx';
import { Empty, Shown } from '../parts/state.tsx';
import { RangePicker, useRange } from '../parts/time_range.tsx';
import { ALERT_FIELDS } from '../query_fields.ts';
import { inTenant, useUrlState } from '../url_state.ts';
import { useData } from '../use_data.ts';
import { useKeys } from '../use_keys.ts';

const SEVERITIES = ['info', 'low', 'medium', 'high', 'critical'];
const STATUSES = ['new', 'acknowledged', 'closed', 'suppressed'];
const TEXT_FILTERS = ['rule', 'user', 'session'] as const;
const PAGE_ROWS = 100;
const LIVE_MS = 5_000;

export function AlertsPage() {
  const { get, set } = useUrlState();
  const { from, to, picked } = useRange('all');
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const live = get('live') === '1';
  const query = {
    q: get('q'),
    severity: get('severity'),
    status: get('status'),
    rule: get('rule'),
    user: get('user'),
    session: get('session'),
    from,
    to,
    cursor: get('cursor'),
    limit: PAGE_ROWS,
  };
  const list = useData<{ alerts: Alert[]; next_cursor: string | null }>(apiAddress('/v1/alerts', query));
  const alerts = list.data?.alerts ?? [];
  const open_id = get('alert');
  useLive(live, list.reload);
  useTriageKeys(alerts, open_id, chosen, setChosen, live);
  const done = () => {
    setChosen(new Set());
    list.reload();
  };
  return (
    <>
      <div class="title">
        <h1>Alerts</h1>
        <button type="button" aria-pressed={live} onClick={() => set({ live: live ? '' : '1' }, true)}>
          {live ? 'Live: pause' : 'Go live'}
        </button>
        <CopyAs path="/v1/alerts" query={query} command="alerts" />
        <RangePicker picked={picked} />
      </div>
      <QueryBar fields={ALERT_FIELDS} example="severity >= high and not status:closed" fault={list.fault} />
      <Filters />
      <div class={open_id === '' ? 'triage' : 'triage open'}>
        <div>
          <Shown of={list}>
            {(data) => (
              <>
                <BulkActions chosen={data.alerts.filter(({ alert_id }) => chosen.has(alert_id))} done={done} />
                {data.alerts.length === 0 ? (
                  <Empty>No alert matches. When detection finds something, it stands here, the newest first.</Empty>
                ) : (
                  <AlertTable
                    alerts={data.alerts}
                    open_id={open_id}
                    chosen={chosen}
                    choose={setChosen}
                    open={(alert_id) => set({ alert: alert_id }, true)}
                  />
                )}
                <Pager next={data.next_cursor} />
              </>
            )}
          </Shown>
        </div>
        {open_id !== '' && (
          <AlertPanel alert_id={open_id} close={() => set({ alert: '' }, true)} changed={list.reload} />
        )}
      </div>
    </>
  );
}

function Filters() {
  const { get, set } = useUrlState();
  return (
    <form class="filters" onSubmit={(event) => event.preventDefault()}>
      <label>
        severity at least{' '}
        <select
          value={get('severity') || 'info'}
          onChange={({ currentTarget }) => set({ severity: currentTarget.value, cursor: '' })}
        >
          {SEVERITIES.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label>
        status{' '}
        <select
          value={get('status')}
          onChange={({ currentTarget }) => set({ status: currentTarget.value, cursor: '' })}
        >
          <option value="">any</option>
          {STATUSES.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      {TEXT_FILTERS.map((name) => (
        <label key={name}>
          {name}{' '}
          <input
            value={get(name)}
            onChange={({ currentTarget }) => set({ [name]: currentTarget.value.trim(), cursor: '' })}
          />
        </label>
      ))}
    </form>
  );
}

/** Asks again every few seconds while the page is live. */
function useLive(live: boolean, reload: () => void): void {
  useEffect(() => {
    if (!live) return;
    const timer = setInterval(reload, LIVE_MS);
    return () => clearInterval(timer);
  }, [live]);
}

function useTriageKeys(
  alerts: readonly Alert[],
  open_id: string,
  chosen: ReadonlySet<string>,
  choose: (ids: ReadonlySet<string>) => void,
  live: boolean,
): void {
  const { set } = useUrlState();
  const { route } = useLocation();
  const at = alerts.findIndex(({ alert_id }) => alert_id === open_id);
  const go = (to: number) => {
    const alert = alerts[Math.max(0, Math.min(alerts.length - 1, to))];
    if (alert !== undefined) set({ alert: alert.alert_id }, true);
  };
  const openSession = () => {
    const alert = alerts[at];
    if (alert !== undefined) route(inTenant(`/sessions/${encodeURIComponent(alert.session_id)}`));
  };
  useKeys({
    j: () => go(at + 1),
    k: () => go(at <= 0 ? 0 : at - 1),
    o: openSession,
    x: () => {
      if (open_id === '') return;
      const next = new Set(chosen);
      if (!next.delete(open_id)) next.add(open_id);
      choose(next);
    },
    a: () => document.querySelector<HTMLButtonElement>('.panel [data-action="acknowledge"]')?.click(),
    p: () => set({ live: live ? '' : '1' }, true),
    Escape: () => set({ alert: '' }, true),
  });
}
