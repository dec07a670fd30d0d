/** Finds servers that run a version which an advisory or the operator names vulnerable or malicious. */
import { type Severity, severityRank } from '../../core/alert.ts';
import type { ProvenanceEvent } from '../../core/event.ts';
import { isNews, keep } from '../bounded.ts';
import { defineCorrelator, type Extract, type Match, type MatchStep } from '../detector.ts';
import { externalOf, serverInfoOf, textOf } from '../event_fields.ts';
import { call, elsewhere, type RawEvent } from '../example_events.ts';
import { digestOf } from '../finding_id.ts';
import type { EventRef } from '../lineage/edge.ts';
import { packageName } from '../supply/package_name.ts';
import { type SupplyPolicy, type VulnerableVersions, withoutPolicy } from '../supply/policy.ts';
import { compareVersions, inRange } from '../supply/versions.ts';
import { inLogOrder, serverName, shorten } from '../wording.ts';

interface Advisory {
  advisory: string;
  source: string;
  ranges: string[];
  fixed_in: string;
  severity: Severity;
}

type Body =
  | { kind: 'runs'; server: string; package: string; version: string }
  | { kind: 'advisory'; advisory: Advisory }
  | { kind: 'cleared'; advisory: string; source: string };

interface State {
  advisories: (Advisory & { event: EventRef })[];
  running: { server: string; package: string; version: string; event: EventRef }[];
  told: string[];
}

interface Detail {
  server: string;
  package: string;
  version: string;
  advisory: string;
  source: string;
  fixed_in: string;
}

const ADVISORIES_MAX = 64;
const RUNNING_MAX = 64;
const RANGES_MAX = 64;
const TOLD_MAX = 512;
/** For one event: the gravest advisories, or the servers that were seen last. */
const MATCHES_MAX = 8;
const DAY_MS = 86_400_000;
const VERDICTS: Record<string, Severity> = { malicious: 'high', suspicious: 'medium', unknown: 'low' };

export default withoutPolicy((policy: SupplyPolicy) => {
  const listed = byKey(policy.vulnerable);
  return defineCorrelator<State, Body, Detail>({
    metadata: {
      id: 'server_version_vulnerable',
      version: 1,
      title: 'Server runs a version named vulnerable',
      description: {
        detects:
          'A server whose package and version lie in the range of a package advisory, whether the advisory or the ' +
          'server was seen first, or which the operator’s policy file lists.',
        misses:
          'Servers that name no version, packages that the advisory calls by another name, versions that cannot be read ' +
          'as such, and vulnerabilities in what the server depends on.',
      },
      severity: 'high',
      status: 'experimental',
      tags: ['AML.T0010.005', 'AML.T0109', 'ASI04', 'LLM03', 'MCP04'],
      references: [
        'https://owasp.org/www-project-mcp-top-10/',
        'https://genai.owasp.org/llmrisk/llm032025-supply-chain/',
        'https://ossf.github.io/osv-schema/',
      ],
      false_positives: [
        'A distribution that repairs a version without changing its number.',
        'An advisory about a part of the package that the server does not use.',
        'A server under the name of a package without being it.',
      ],
      runbook: [
        'Read the advisory: what does it take to be attacked through it, and is that given here?',
        'Update to the version that repairs it, or stop the server.',
        'For a malicious package, take everything that the server could reach as known to others.',
        'Look at the calls since this version came into use.',
      ],
    },
    watches: ['server.version', 'tools.list', 'tool.call', 'external.signal'],
    group_by: 'resource',
    window_ms: 180 * DAY_MS,
    initial: () => ({ advisories: [], running: [], told: [] }),

    extract(event): Extract<Body>[] {
      const external = externalOf(event);
      if (external === undefined) return runsOf(event);
      if (external.kind !== 'package') return [];
      const { source, verdict, affected_versions = [], fixed_in = '' } = external;
      const advisory = external.advisory ?? external.reference ?? source;
      const severity = VERDICTS[verdict];
      const body: Body =
        severity === undefined
          ? { kind: 'cleared', advisory, source }
          : {
              kind: 'advisory',
              advisory: { advisory, source, ranges: affected_versions.slice(0, RANGES_MAX), fixed_in, severity },
            };
      const name = packageName(external.value);
      return [
        { key: `package ${name}`, body },
        { key: `server ${name}`, body },
      ];
    },

    step(state, { key, body, event }): Match<Detail>[] {
      if (body.kind === 'cleared') {
        state.advisories = state.advisories.filter((known) => !isSame(known, body));
        return [];
      }
      if (body.kind === 'advisory') {
        state.advisories = state.advisories.filter((known) => !isSame(known, body.advisory));
        keep(state.advisories, { ...body.advisory, event }, ADVISORIES_MAX);
        const affected = state.running.filter(({ version }) => isAffected(version, body.advisory));
        return affected.slice(-MATCHES_MAX).flatMap((one) =>
          told(state, one, body.advisory, [
            { event: one.event, role: 'This server ran the version' },
            { event, role: 'This advisory names it' },
          ]),
        );
      }
      const { kind: _, ...run } = body;
      state.running = state.running.filter((one) => one.server !== run.server || one.version !== run.version);
      keep(state.running, { ...run, event }, RUNNING_MAX);
      const known = state.advisories.filter((advisory) => isAffected(run.version, advisory));
      known.sort((a, b) => severityRank(b.severity) - severityRank(a.severity));
      return [
        ...known.slice(0, MATCHES_MAX).flatMap((advisory) =>
          told(state, run, advisory, [
            { event: advisory.event, role: 'This advisory names the version' },
            { event, role: 'This server runs it' },
          ]),
        ),
        ...(listed.get(key) ?? [])
          .filter((entry) => isListed(run.version, entry))
          .flatMap((entry) =>
            told(state, run, fromPolicy(entry), [{ event, role: 'This server runs a listed version' }]),
          ),
      ];
    },

    explain({ steps, detail: { server, package: of_package, version, advisory, source, fixed_in } }) {
      const what = of_package === '' ? '' : ` of ${shorten(of_package, 80)}`;
      const repair = fixed_in === '' ? '' : ` Version ${shorten(fixed_in, 32)} repairs it.`;
      return {
        title: `${serverName(server)} runs version ${shorten(version, 32)}, which is named vulnerable`,
        reason: `${serverName(server)} runs version ${shorten(version, 32)}${what}. ${shorten(advisory, 80)} (${shorten(source, 64)}) names this version.${repair}`,
        evidence: steps,
      };
    },

    examples: [
      {
        name: 'An advisory about malicious versions, then such a server',
        fires: true,
        severity: 'high',
        events: [advisory({ verdict: 'malicious', affected_versions: ['>=2.0.0 <2.2.0'] }), runs('2.1.7')],
      },
      {
        name: 'The server was seen first',
        fires: true,
        severity: 'medium',
        events: [elsewhere('morning', runs('2.1.7')), advisory({ verdict: 'suspicious', fixed_in: '2.2.0' })],
      },
      {
        name: 'A pre-release of what repairs it',
        fires: true,
        severity: 'high',
        events: [advisory({ verdict: 'malicious', fixed_in: '2.2.0' }), runs('2.2.0-rc.1')],
      },
      {
        name: 'A call names the version, and the advisory the server',
        fires: true,
        severity: 'high',
        events: [
          advisory({ verdict: 'malicious', value: 'shelf', affected_versions: ['1.x'] }),
          { ...call('shelf', 'list_books', {}), server_version: '1.4' },
        ],
      },
      {
        name: 'Near miss: the version that repairs it',
        fires: false,
        events: [advisory({ verdict: 'malicious', affected_versions: ['<2.2.0'], fixed_in: '2.2.0' }), runs('2.2.0')],
      },
      {
        name: 'Near miss: another package',
        fires: false,
        events: [advisory({ verdict: 'malicious', value: '@example/other', fixed_in: '9.0.0' }), runs('2.1.7')],
      },
      {
        name: 'Near miss: 2.10 is newer than 2.9',
        fires: false,
        events: [advisory({ verdict: 'malicious', affected_versions: ['<=2.9.0'] }), runs('2.10.0')],
      },
      {
        name: 'Near miss: the advisory was withdrawn',
        fires: false,
        events: [
          advisory({ verdict: 'malicious', fixed_in: '2.2.0' }),
          advisory({ verdict: 'benign', fixed_in: '2.2.0' }),
          runs('2.1.7'),
        ],
      },
    ],
  });
});

/** A server's record goes under its package and its own name; a call names only the server. */
function runsOf(event: ProvenanceEvent): Extract<Body>[] {
  const info = serverInfoOf(event);
  const server = event.server ?? '';
  const version = info?.version ?? textOf(event, 'server_version');
  if (version === undefined || server === '') return [];
  const of_package = info?.package === undefined ? '' : packageName(info.package);
  const body: Body = { kind: 'runs', server, package: of_package, version };
  const keys = [`server ${server.toLowerCase()}`, ...(of_package === '' ? [] : [`package ${of_package}`])];
  return keys.map((key) => ({ key, body }));
}

function isSame(a: { advisory: string; source: string }, b: { advisory: string; source: string }): boolean {
  return a.advisory === b.advisory && a.source === b.source;
}

/** In one of the ranges, or before the repair where no ranges are given; an advisory without both is about all. */
function isAffected(version: string, { ranges, fixed_in }: Pick<Advisory, 'ranges' | 'fixed_in'>): boolean {
  if (ranges.length > 0) return ranges.some((range) => inRange(version, range) === true);
  if (fixed_in === '') return true;
  return (compareVersions(version, fixed_in) ?? 0) < 0;
}

function isListed(version: string, { versions }: VulnerableVersions): boolean {
  return versions.some((range) => inRange(version, range) === true);
}

function fromPolicy({ advisory, fixed_in, severity }: VulnerableVersions): Advisory {
  return { advisory: advisory ?? 'The policy file', source: 'policy', ranges: [], fixed_in: fixed_in ?? '', severity };
}

function byKey(entries: readonly VulnerableVersions[]): Map<string, VulnerableVersions[]> {
  const map = new Map<string, VulnerableVersions[]>();
  for (const entry of entries) {
    const key =
      entry.package !== undefined ? `package ${packageName(entry.package)}` : `server ${entry.server?.toLowerCase()}`;
    map.set(key, [...(map.get(key) ?? []), entry]);
  }
  return map;
}

/** Once for each server, version and advisory, and again only when the advisory became worse. */
function told(
  state: State,
  run: { server: string; package: string; version: string },
  { advisory, source, fixed_in, severity }: Advisory,
  steps: MatchStep[],
): Match<Detail>[] {
  const what = digestOf([run.server, run.version, source, advisory, String(severityRank(severity))]).slice(0, 32);
  if (!isNews(state.told, what, TOLD_MAX)) return [];
  return [
    {
      severity,
      steps: inLogOrder(steps),
      source: `${source}\u0000${advisory}`,
      sink_digest: what,
      detail: { server: run.server, package: run.package, version: run.version, advisory, source, fixed_in },
    },
  ];
}

function runs(version: string): RawEvent {
  return { type: 'server.version', server: 'tickets', server_info: { version, package: '@example/tickets-server' } };
}

function advisory(fields: Record<string, unknown>): RawEvent {
  const external = {
    source: 'advisories',
    kind: 'package',
    value: 'pkg:npm/%40example/tickets-server',
    advisory: 'EXAMPLE-2026-1',
    ...fields,
  };
  return { type: 'external.signal', external };
}
