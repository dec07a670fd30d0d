/** The frame around all pages: where one can go, whose data it is, light or dark, and the sheet of shortcuts. */
import { useState } from 'preact/hooks';
import { Route, Router, useLocation } from 'preact-iso/router';
import { AlertsPage } from './pages/alerts.tsx';
import { AuditPage } from './pages/audit.tsx';
import { CompliancePage } from './pages/compliance.tsx';
import { DeliveriesPage } from './pages/deliveries.tsx';
import { EntityPage } from './pages/entity.tsx';
import { IncidentPage } from './pages/incident.tsx';
import { IncidentsPage } from './pages/incidents.tsx';
import { IntegrityPage } from './pages/integrity.tsx';
import { NotFoundPage } from './pages/not_found.tsx';
import { OverviewPage } from './pages/overview.tsx';
import { RulesPage } from './pages/rules.tsx';
import { SessionPage } from './pages/session.tsx';
import { SessionsPage } from './pages/sessions.tsx';
import { SuppressionsPage } from './pages/suppressions.tsx';
import { ToolHistoryPage } from './pages/tool_history.tsx';
import { ToolsPage } from './pages/tools.tsx';
import { ShortcutSheet } from './parts/shortcut_sheet.tsx';
import { inTenant } from './url_state.ts';
import { useKeys } from './use_keys.ts';

const PLACES = [
  ['/', 'Overview'],
  ['/alerts', 'Alerts'],
  ['/incidents', 'Incidents'],
  ['/sessions', 'Sessions'],
  ['/tools', 'Tools'],
  ['/rules', 'Rules'],
  ['/suppressions', 'Suppressions'],
  ['/deliveries', 'Response'],
  ['/integrity', 'Integrity'],
  ['/audit', 'Audit'],
  ['/compliance', 'Compliance'],
] as const;

export function App() {
  const { path } = useLocation();
  const [sheet, setSheet] = useState(false);
  useKeys({ '?': () => setSheet(true), Escape: () => setSheet(false) });
  return (
    <>
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <header>
        <a class="brand" href={inTenant('/')}>
          Tracewarden
        </a>
        <nav aria-label="Pages">
          {PLACES.map(([to, name]) => (
            <a key={to} href={inTenant(to)} aria-current={isHere(path, to) ? 'page' : undefined}>
              {name}
            </a>
          ))}
        </nav>
        <button type="button" onClick={() => setSheet(true)} aria-label="Keyboard shortcuts">
          ?
        </button>
        <form method="post" action="/logout">
          <button type="submit">Log out</button>
        </form>
      </header>
      <main id="main">
        <Router>
          <Route path="/" component={OverviewPage} />
          <Route path="/alerts" component={AlertsPage} />
          <Route path="/incidents" component={IncidentsPage} />
          <Route path="/incidents/:incident_id" component={IncidentPage} />
          <Route path="/sessions" component={SessionsPage} />
          <Route path="/sessions/:session_id" component={SessionPage} />
          <Route path="/entities/:kind/:name" component={EntityPage} />
          <Route path="/tools" component={ToolsPage} />
          <Route path="/tools/definitions" component={ToolHistoryPage} />
          <Route path="/rules" component={RulesPage} />
          <Route path="/suppressions" component={SuppressionsPage} />
          <Route path="/deliveries" component={DeliveriesPage} />
          <Route path="/integrity" component={IntegrityPage} />
          <Route path="/audit" component={AuditPage} />
          <Route path="/compliance" component={CompliancePage} />
          <Route default component={NotFoundPage} />
        </Router>
      </main>
      {sheet && <ShortcutSheet close={() => setSheet(false)} />}
    </>
  );
}

function isHere(path: string, to: string): boolean {
  return to === '/' ? path === '/' : path === to || path.startsWith(`${to}/`);
}
