/** Finds calls that reach for what lies outside of the declared directories, or for the ways out of a sandbox. */
import type { Severity } from '../../core/alert.ts';
import { keep } from '../bounded.ts';
import { defineDetector, type Match } from '../detector.ts';
import { rootsOf } from '../event_fields.ts';
import { call, type RawEvent, tools } from '../example_events.ts';
import { digestOf } from '../finding_id.ts';
import { type EventRef, refOf } from '../lineage/edge.ts';
import { actingLeaves } from '../supply/acting_leaves.ts';
import { isOutside, isTraversal, pathsIn, plainPath, waysOut } from '../supply/path_bounds.ts';
import { inLogOrder, listing, serverName, shorten } from '../wording.ts';

interface Roots {
  /** Empty where they hold for every server. */
  server: string;
  paths: string[];
  event: EventRef;
}

interface State {
  roots: Roots[];
}

interface Detail {
  server: string;
  tool: string;
  parameter: string;
  what: 'way_out' | 'traversal' | 'outside';
  /** The way out, or the path. */
  shown: string;
  roots: string[];
}

const ROOTS_MAX = 64;
const PATHS_PER_ROOTS_MAX = 64;
const LEAVES_MAX = 200;
const MATCHES_MAX = 16;

export default defineDetector<State, Detail>({
  metadata: {
    id: 'sandbox_escape',
    version: 1,
    title: 'Call reaches out of its sandbox',
    description: {
      detects:
        'Parameters that name a way out of a sandbox (the root directory of another process, kernel settings, privileged ' +
        'containers, the container service’s socket, disks and memory as devices), a path that climbs up into the system, ' +
        'or a path outside of the directories that the session, its configuration or the server declared.',
      misses:
        'Ways out that a script builds by itself, links inside of the allowed directories that lead out of them, and ' +
        'directories that were declared in another session.',
    },
    severity: 'medium',
    status: 'experimental',
    tags: ['AML.T0105', 'AML.T0053', 'ASI05', 'ASI02', 'LLM06', 'MCP05'],
    references: [
      'https://atlas.mitre.org/techniques/AML.T0105',
      'https://modelcontextprotocol.io/specification/2025-06-18/client/roots',
      'https://owasp.org/www-project-mcp-top-10/',
    ],
    false_positives: [
      'Administration of containers or disks that the user asked for.',
      'A path outside of the project that the user named: reported as low.',
      'Roots that were declared for one server while another one works elsewhere.',
    ],
    runbook: [
      'See whether the call succeeded, and what it read or changed outside.',
      'Find the text or the prompt that asked for this path.',
      'Have the server check paths after links are resolved, and take privileged sockets out of its reach.',
      'If a way out was used, treat the machine as reached, not only the sandbox.',
    ],
  },
  watches: ['session.start', 'config.snapshot', 'server.version', 'tool.call', 'resource.read'],
  group_by: 'session',
  initial: () => ({ roots: [] }),

  step(state, event, { call: profile }): Match<Detail>[] {
    const declared = rootsOf(event).slice(0, PATHS_PER_ROOTS_MAX).map(plainPath);
    if (declared.length > 0) {
      const server = event.type === 'server.version' ? (event.server ?? '') : '';
      keep(state.roots, { server, paths: declared, event: refOf(event) }, ROOTS_MAX);
    }
    if (event.type !== 'tool.call' && event.type !== 'resource.read') return [];
    const command = profile?.capabilities.has('exec') === true;
    const server = event.server ?? '';
    const own = state.roots.filter((roots) => roots.server === server && server !== '');
    const roots = own.length > 0 ? own : state.roots.filter((one) => one.server === '');
    const found = actingLeaves(event, profile)
      .slice(0, LEAVES_MAX)
      .flatMap((leaf) =>
        findingsOf(
          leaf.path,
          leaf.text,
          pathsIn(leaf, command),
          roots.flatMap(({ paths }) => paths),
        ),
      );
    return found.slice(0, MATCHES_MAX).map(({ severity, ...detail }): Match<Detail> => {
      const declaring = detail.what === 'outside' ? roots.at(-1) : undefined;
      return {
        severity: detail.what === 'outside' && own.length > 0 ? 'medium' : severity,
        steps: inLogOrder([
          ...(declaring === undefined ? [] : [{ event: declaring.event, role: 'This declared the directories' }]),
          { event: refOf(event), role: 'This call reaches out of them' },
        ]),
        source: `${server}\u0000${event.tool ?? ''}`,
        sink_digest: digestOf([detail.what, detail.shown]),
        detail: {
          server,
          tool: event.tool ?? 'reading a resource',
          roots: roots.flatMap(({ paths }) => paths),
          ...detail,
        },
      };
    });
  },

  explain({ steps, detail: { server, tool, parameter, what, shown, roots } }) {
    const where = `Parameter ${shorten(parameter, 80)} of ${shorten(tool, 64)} on ${serverName(server)}`;
    const reasons = {
      way_out: `${where} names ${shown}, which leads out of a sandbox.`,
      traversal: `${where} climbs up to ${shorten(shown)}, into the system’s own directories.`,
      outside: `${where} names ${shorten(shown)}, outside of the declared ${listing(roots.map((root) => shorten(root, 64)))}.`,
    };
    return {
      title: `${shorten(tool, 64)} on ${serverName(server)} reaches out of its sandbox`,
      reason: reasons[what],
      evidence: steps,
    };
  },

  examples: [
    {
      name: 'A command enters the first process',
      fires: true,
      severity: 'high',
      events: [shellTools(), run('nsenter --target 1 --mount -- cat /root/key')],
    },
    {
      name: 'A file tool reads through the root of its own process',
      fires: true,
      severity: 'high',
      events: [read('/proc/self/root/home/ana/plan.txt')],
    },
    {
      name: 'A path climbs up into the system',
      fires: true,
      severity: 'medium',
      events: [read('docs/../../../../etc/hostname')],
    },
    {
      name: 'The socket of the container service',
      fires: true,
      severity: 'medium',
      events: [shellTools(), run('curl --unix-socket /var/run/docker.sock http://local/containers/json')],
    },
    {
      name: 'A path outside of what the server declared',
      fires: true,
      severity: 'medium',
      events: [
        {
          type: 'server.version',
          server: 'files',
          server_info: { version: '1.0.0', roots: [{ uri: 'file:///srv/files' }] },
        },
        read('/srv/filesystem/plan.txt'),
      ],
    },
    {
      name: 'A path outside of the project',
      fires: true,
      severity: 'low',
      events: [started('file:///home/ana/project'), read('/home/ana/letters/plan.txt')],
    },
    {
      name: 'Near miss: a path inside of the project, with a detour',
      fires: false,
      events: [started('file:///home/ana/project'), read('/home/ana/project/docs/../plan.txt')],
    },
    {
      name: 'Near miss: the path of a web service',
      fires: false,
      events: [started('file:///home/ana/project'), call('web', 'get_route', { path: '/v1/users' })],
    },
    { name: 'Near miss: no directories were declared', fires: false, events: [read('/home/ana/letters/plan.txt')] },
    {
      name: 'Near miss: a neighbour file one level up',
      fires: false,
      events: [started('file:///home/ana/project'), read('../plan.txt')],
    },
    {
      name: 'Near miss: a note about containers',
      fires: false,
      events: [call('notes', 'create_note', { text: 'Mounting /var/run/docker.sock gives away the machine.' })],
    },
  ],
});

type Found = Pick<Detail, 'parameter' | 'what' | 'shown'> & { severity: Severity };

function findingsOf(parameter: string, text: string, paths: readonly string[], roots: readonly string[]): Found[] {
  const ways = waysOut(text).map(
    ({ kind, clear, shown }): Found => ({
      parameter,
      what: 'way_out',
      shown: `${kind} (${shorten(shown, 80)})`,
      severity: clear ? 'high' : 'medium',
    }),
  );
  if (ways.length > 0) return ways;
  return paths.flatMap((path): Found[] => {
    if (isTraversal(path)) return [{ parameter, what: 'traversal', shown: path, severity: 'medium' }];
    if (roots.length === 0 || !isOutside(path, roots)) return [];
    return [{ parameter, what: 'outside', shown: path, severity: 'low' }];
  });
}

function shellTools(): RawEvent {
  return tools('shell', [{ name: 'run_command', description: 'Runs a command.' }]);
}

function run(command: string): RawEvent {
  return call('shell', 'run_command', { command });
}

function read(path: string): RawEvent {
  return call('files', 'read_file', { path });
}

function started(uri: string): RawEvent {
  return { type: 'session.start', roots: [{ uri }] };
}
