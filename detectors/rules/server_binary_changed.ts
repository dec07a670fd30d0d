/** Finds servers whose program or arguments changed under the same version, and builds that nobody has approved. */
import type { Severity } from '../../core/alert.ts';
import { isNews, keep, useEntry } from '../bounded.ts';
import { defineCorrelator, type Extract, type Match } from '../detector.ts';
import { installationOf, serverInfoOf, textOf } from '../event_fields.ts';
import { call, elsewhere, type RawEvent } from '../example_events.ts';
import type { EventRef } from '../lineage/edge.ts';
import { type ApprovedServer, type SupplyPolicy, withoutPolicy } from '../supply/policy.ts';
import { compareVersions } from '../supply/versions.ts';
import { bareDigest } from '../tools/canonical_digest.ts';
import { inLogOrder, listing, serverName, shorten } from '../wording.ts';

/** What identifies a build; a producer may know only some of it. */
interface Build {
  version: string;
  digest?: string;
  executable?: string;
  args?: string;
}

interface Body extends Build {
  installation: string;
}

interface State {
  /** The latest used last. */
  builds: (Body & { event: EventRef })[];
  told: string[];
}

type Part = 'digest' | 'executable' | 'args';

interface Detail {
  server: string;
  version: string;
  changed: Part[];
  unvetted: (Part | 'version')[];
  /** Whether the difference lies between two installations. */
  elsewhere: boolean;
}

const BUILDS_MAX = 128;
const TOLD_MAX = 256;
const DAY_MS = 86_400_000;
const PARTS: readonly Part[] = ['digest', 'executable', 'args'];
const NAMES: Record<Part | 'version', string> = {
  digest: 'digest of the package',
  executable: 'digest of the executable',
  args: 'digest of the arguments',
  version: 'version',
};

export default withoutPolicy((policy: SupplyPolicy) => {
  const approved = new Map(policy.servers.map((entry) => [entry.server, entry]));
  return defineCorrelator<State, Body, Detail>({
    metadata: {
      id: 'server_binary_changed',
      version: 1,
      title: 'Server’s program changed under the same version',
      description: {
        detects:
          'A server that on one installation has another package, executable or arguments than before while its version ' +
          'stayed the same; and, where the operator’s policy file lists the server, a build that is not in the list.',
        misses:
          'Servers for which no digests are reported, changes that come with a new version and are in no list, and code ' +
          'that a program loads when it runs.',
      },
      severity: 'medium',
      status: 'experimental',
      tags: ['AML.T0010.005', 'AML.T0109', 'AML.T0074', 'ASI04', 'LLM03', 'MCP04'],
      references: [
        'https://atlas.mitre.org/techniques/AML.T0109',
        'https://slsa.dev/spec/v1.0/threats',
        'https://owasp.org/www-project-mcp-top-10/',
      ],
      false_positives: [
        'The server is built anew from the same sources for each start.',
        'Builds for different machines: a difference between installations alone is reported as low.',
        'Arguments with a port or a path that changes: reported as low.',
      ],
      runbook: [
        'Compare both builds with the publisher’s: is either of them the one that was released?',
        'Find out what replaced the file, and when: an update, a developer, or something else.',
        'Stop the server until the build is explained; then list it as approved.',
        'Look at what the server was given since the change.',
      ],
    },
    watches: ['server.version', 'tools.list', 'tool.call'],
    group_by: 'server',
    window_ms: 180 * DAY_MS,
    initial: () => ({ builds: [], told: [] }),

    extract(event): Extract<Body>[] {
      const info = serverInfoOf(event);
      const version = info?.version ?? textOf(event, 'server_version') ?? '';
      const digest = info?.digest ?? textOf(event, 'server_digest');
      const body = {
        version,
        installation: installationOf(event),
        ...(digest && { digest: bareDigest(digest) }),
        ...(info?.executable_sha256 && { executable: bareDigest(info.executable_sha256) }),
        ...(info?.args_sha256 && { args: bareDigest(info.args_sha256) }),
      };
      const known = PARTS.some((part) => body[part] !== undefined) || version !== '';
      return event.server === undefined || !known ? [] : [{ key: event.server, body }];
    },

    step(state, { body, event }): Match<Detail>[] {
      const before = useEntry(
        state.builds,
        (one) => one.installation === body.installation && one.version === body.version,
      );
      const other = state.builds.find((one) => one.version === body.version && one.installation !== body.installation);
      const last = before === undefined ? undefined : { ...before };
      if (before === undefined) keep(state.builds, { ...body, event }, BUILDS_MAX);
      else Object.assign(before, body, { event });
      const unvetted = unvettedParts(body, approved.get(event.server));
      if (unvetted?.length === 0) return [];
      const own = last === undefined ? [] : changedParts(last, body);
      const foreign =
        other === undefined || last !== undefined ? [] : changedParts(other, body).filter((part) => part !== 'args');
      const changed = own.length > 0 ? own : foreign;
      if (changed.length === 0 && unvetted === undefined) return [];
      const what = [body.version, ...PARTS.map((part) => body[part] ?? ''), String(own.length > 0)].join('\u0000');
      if (!isNews(state.told, what, TOLD_MAX)) return [];
      const compared = own.length > 0 ? last : changed.length > 0 ? other : undefined;
      return [
        {
          severity: severityOf(own, foreign, unvetted),
          steps: inLogOrder([
            ...(compared === undefined ? [] : [{ event: compared.event, role: 'The build was another one here' }]),
            { event, role: 'This is the build now' },
          ]),
          source: event.server,
          sink_digest: what,
          detail: {
            server: event.server,
            version: body.version,
            changed,
            unvetted: unvetted ?? [],
            elsewhere: own.length === 0 && foreign.length > 0,
          },
        },
      ];
    },

    explain({ steps, detail: { server, version, changed, unvetted, elsewhere: between } }) {
      const at = version === '' ? '' : ` at version ${shorten(version, 32)}`;
      const parts = listing(changed.map((part) => NAMES[part]));
      const differs = between
        ? `has another ${parts} than at another installation`
        : `has another ${parts} than before`;
      const clauses = [
        ...(changed.length > 0 ? [`${serverName(server)}${at} ${differs}`] : []),
        ...(unvetted.length > 0
          ? [`The ${listing(unvetted.map((part) => NAMES[part]))} is not in the list of approved builds`]
          : []),
      ];
      return {
        title: `${serverName(server)} runs ${changed.length > 0 ? 'another program under the same version' : 'a build that was not approved'}`,
        reason: `${clauses.join('. ')}. What the server does may have changed with it.`,
        evidence: steps,
      };
    },

    examples: [
      {
        name: 'Another executable under the same version',
        fires: true,
        severity: 'medium',
        events: [runs('1.4.0', { executable_sha256: SHA('1') }), runs('1.4.0', { executable_sha256: SHA('2') })],
      },
      {
        name: 'Calls report another digest than before',
        fires: true,
        severity: 'medium',
        events: [used(`sha256:${SHA('a')}`), elsewhere('later', used(`sha256:${SHA('b')}`))],
      },
      {
        name: 'Only the arguments changed',
        fires: true,
        severity: 'low',
        events: [runs('1.4.0', { args_sha256: SHA('1') }), runs('1.4.0', { args_sha256: SHA('2') })],
      },
      {
        name: 'Another host has another build of the same version',
        fires: true,
        severity: 'low',
        events: [
          runs('1.4.0', { executable_sha256: SHA('1') }),
          { ...runs('1.4.0', { executable_sha256: SHA('2') }), host: 'desk-9.example.com' },
        ],
      },
      {
        name: 'Near miss: the build changed with the version',
        fires: false,
        events: [runs('1.4.0', { executable_sha256: SHA('1') }), runs('1.5.0', { executable_sha256: SHA('2') })],
      },
      {
        name: 'Near miss: the same build again',
        fires: false,
        events: [
          runs('1.4.0', { executable_sha256: SHA('1') }),
          runs('1.4.0', { executable_sha256: `sha256:${SHA('1')}` }),
        ],
      },
      {
        name: 'Near miss: one record names the executable, the other the package',
        fires: false,
        events: [runs('1.4.0', { executable_sha256: SHA('1') }), runs('1.4.0', { digest: SHA('2') })],
      },
      {
        name: 'Near miss: another server',
        fires: false,
        events: [
          runs('1.4.0', { executable_sha256: SHA('1') }),
          { ...runs('1.4.0', { executable_sha256: SHA('2') }), server: 'mail' },
        ],
      },
    ],
  });
});

function changedParts(before: Build, after: Build): Part[] {
  return PARTS.filter(
    (part) => before[part] !== undefined && after[part] !== undefined && before[part] !== after[part],
  );
}

/** What of a build is not in the operator's list; undefined when the server is not listed, empty when all of it is. */
function unvettedParts(build: Build, entry: ApprovedServer | undefined): (Part | 'version')[] | undefined {
  if (entry === undefined) return undefined;
  const { versions, digests, executable_sha256, args_sha256 } = entry;
  const lists = { digest: digests?.map(bareDigest), executable: executable_sha256, args: args_sha256 };
  const parts: (Part | 'version')[] = PARTS.filter(
    (part) => build[part] !== undefined && lists[part]?.includes(build[part]) === false,
  );
  if (
    versions !== undefined &&
    build.version !== '' &&
    !versions.some((one) => compareVersions(one, build.version) === 0)
  ) {
    parts.push('version');
  }
  return parts;
}

function severityOf(own: readonly Part[], foreign: readonly Part[], unvetted: readonly string[] | undefined): Severity {
  const program = own.some((part) => part !== 'args');
  if (unvetted !== undefined) return program ? 'high' : 'medium';
  if (program) return 'medium';
  return own.length > 0 || foreign.length > 0 ? 'low' : 'medium';
}

function SHA(digit: string): string {
  return digit.repeat(64);
}

function runs(version: string, info: Record<string, unknown>): RawEvent {
  return { type: 'server.version', server: 'tickets', host: 'desk-4.example.com', server_info: { version, ...info } };
}

function used(server_digest: string): RawEvent {
  return { ...call('tickets', 'list_tickets', {}), server_version: '2.0.0', server_digest };
}
