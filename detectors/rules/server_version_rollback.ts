/** Finds servers that go back to an older version. */
import { isNews, keep, useEntry } from '../bounded.ts';
import { defineCorrelator, type Extract, type Match } from '../detector.ts';
import { installationOf, serverInfoOf, textOf } from '../event_fields.ts';
import { after, call, type RawEvent } from '../example_events.ts';
import type { EventRef } from '../lineage/edge.ts';
import { compareVersions } from '../supply/versions.ts';
import { inLogOrder, serverName, shorten } from '../wording.ts';

interface Body {
  version: string;
  installation: string;
  /** A record of the deployment, not only a call that names the version. */
  record: boolean;
}

interface State {
  /** The version of each installation, the latest used last. */
  installed: { installation: string; version: string; event: EventRef }[];
  told: string[];
}

interface Detail {
  server: string;
  from: string;
  to: string;
  installation: string;
}

const INSTALLATIONS_MAX = 256;
const TOLD_MAX = 128;
const DAY_MS = 86_400_000;

export default defineCorrelator<State, Body, Detail>({
  metadata: {
    id: 'server_version_rollback',
    version: 1,
    title: 'Server went back to an older version',
    description: {
      detects:
        'A server that on one host, or for one user where no host is known, runs an older version than it did before: a ' +
        'repair may have been undone, or an old build put in its place.',
      misses:
        'Versions that cannot be compared, installations that name neither host nor user, and a replacement under the ' +
        'same version number, which is another detector’s.',
    },
    severity: 'medium',
    status: 'experimental',
    tags: ['AML.T0010.005', 'AML.T0109', 'ASI04', 'LLM03', 'MCP04'],
    references: [
      'https://atlas.mitre.org/techniques/AML.T0109',
      'https://semver.org/spec/v2.0.0.html',
      'https://owasp.org/www-project-mcp-top-10/',
    ],
    false_positives: [
      'A release was taken back because it had a fault.',
      'Two copies of the server on one host: reported as low where only calls tell the version.',
      'A branch of older releases that is still cared for.',
    ],
    runbook: [
      'Ask who changed the version, and look for the change in the deployment’s records.',
      'Look up what the newer version repaired; those faults are open again.',
      'If nobody did it on purpose, treat the host as tampered with.',
    ],
  },
  watches: ['server.version', 'tools.list', 'tool.call'],
  group_by: 'server',
  window_ms: 180 * DAY_MS,
  initial: () => ({ installed: [], told: [] }),

  extract(event): Extract<Body>[] {
    const info = serverInfoOf(event);
    const version = info?.version ?? textOf(event, 'server_version');
    const installation = installationOf(event);
    if (version === undefined || event.server === undefined || installation === '') return [];
    return [{ key: event.server, body: { version, installation, record: info !== undefined } }];
  },

  step(state, { body: { version, installation, record }, event }): Match<Detail>[] {
    const known = useEntry(state.installed, (one) => one.installation === installation);
    if (known === undefined) {
      keep(state.installed, { installation, version, event }, INSTALLATIONS_MAX);
      return [];
    }
    const before = { ...known };
    if (known.version !== version) Object.assign(known, { version, event });
    if ((compareVersions(version, before.version) ?? 0) >= 0) return [];
    const what = `${before.version}\u0000${version}`;
    if (!isNews(state.told, what, TOLD_MAX)) return [];
    return [
      {
        severity: record ? 'medium' : 'low',
        steps: inLogOrder([
          { event: before.event, role: 'The newer version was first seen here' },
          { event, role: 'Here the server runs an older one' },
        ]),
        source: event.server,
        sink_digest: what,
        detail: { server: event.server, from: before.version, to: version, installation },
      },
    ];
  },

  explain({ steps, detail: { server, from, to, installation } }) {
    return {
      title: `${serverName(server)} went back from version ${shorten(from, 32)} to ${shorten(to, 32)}`,
      reason: `${serverName(server)} at ${shorten(installation, 80)} ran version ${shorten(from, 32)} and now runs ${shorten(to, 32)}, which is older.`,
      evidence: steps,
    };
  },

  examples: [
    {
      name: 'A deployment goes back a release',
      fires: true,
      severity: 'medium',
      events: [runs('2.2.0'), runs('2.1.9')],
    },
    {
      name: 'Back from a release to its candidate',
      fires: true,
      severity: 'medium',
      events: [runs('3.0.0'), after(86_400_000, runs('3.0.0-rc.2'))],
    },
    { name: 'Only calls tell the version', fires: true, severity: 'low', events: [used('1.10.0'), used('1.9.0')] },
    { name: 'Near miss: an update', fires: false, events: [runs('1.9.0'), runs('1.10.0')] },
    {
      name: 'Near miss: another host has not been updated yet',
      fires: false,
      events: [runs('2.2.0'), { ...runs('2.1.9'), host: 'desk-9.example.com' }],
    },
    { name: 'Near miss: the same version in another spelling', fires: false, events: [runs('v2.2'), runs('2.2.0')] },
    { name: 'Near miss: names that are no versions', fires: false, events: [runs('nightly'), runs('main-3f2a')] },
  ],
});

function runs(version: string): RawEvent {
  return { type: 'server.version', server: 'tickets', host: 'desk-4.example.com', server_info: { version } };
}

function used(server_version: string): RawEvent {
  return { ...call('tickets', 'list_tickets', {}), server_version };
}
