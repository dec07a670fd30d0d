/** Finds calls that name a place where credentials are kept. */
import type { Severity } from '../../core/alert.ts';
import { keep } from '../bounded.ts';
import { defineDetector, type Match } from '../detector.ts';
import { call, prompt, type RawEvent, tools } from '../example_events.ts';
import { digestOf } from '../finding_id.ts';
import { refOf } from '../lineage/edge.ts';
import { actingLeaves } from '../supply/acting_leaves.ts';
import { type CredentialPlace, credentialPlaces } from '../supply/credential_paths.ts';
import { serverName, shorten } from '../wording.ts';

interface State {
  /** Kinds of places that the user named. */
  asked: string[];
}

interface Detail {
  server: string;
  tool: string;
  path: string;
  place: CredentialPlace;
  asked: boolean;
}

const ASKED_MAX = 32;
const LEAVES_MAX = 200;

export default defineDetector<State, Detail>({
  metadata: {
    id: 'credential_path_read',
    version: 1,
    title: 'Call names a place of credentials',
    description: {
      detects:
        'A path or command in the parameters of a call, or the address of a resource, that names a well-known place of ' +
        'credentials: SSH, cloud and cluster keys, browser stores, keychains, password files, agent settings, or the ' +
        'address where cloud machines hand out theirs, however it is written.',
      misses:
        'Credentials under other names, paths that a script puts together, searches that happen to find them, and texts ' +
        'that are only written somewhere.',
    },
    severity: 'medium',
    status: 'experimental',
    tags: ['AML.T0055', 'AML.T0098', 'AML.T0083', 'ASI03', 'LLM02', 'MCP01'],
    references: [
      'https://atlas.mitre.org/techniques/AML.T0055',
      'https://atlas.mitre.org/techniques/AML.T0098',
      'https://owasp.org/www-project-mcp-top-10/',
    ],
    false_positives: [
      'A developer’s agent that looks at .env files or package settings: reported as low, and not when the user names them.',
      'Work on the configuration of SSH or of a cluster that the user asked for: reported as low.',
      'A program that gets its own credentials from the metadata address by design.',
    ],
    runbook: [
      'Did the user ask for it? If not, find the text that made the agent look there.',
      'See whether the call succeeded and where the values went afterwards.',
      'Rotate what was read, and take the file out of the agent’s reach.',
      'For the metadata address: limit it to the programs that need it.',
    ],
  },
  watches: ['prompt', 'tool.call', 'resource.read'],
  group_by: 'session',
  initial: () => ({ asked: [] }),

  step(state, event, { call: profile, content }): Match<Detail>[] {
    if (event.type === 'prompt') {
      for (const kind of kindsNamed(content?.text ?? ''))
        if (!state.asked.includes(kind)) keep(state.asked, kind, ASKED_MAX);
      return [];
    }
    const server = event.server ?? '';
    const tool = event.tool ?? 'reading a resource';
    return actingLeaves(event, profile)
      .slice(0, LEAVES_MAX)
      .flatMap((leaf) =>
        credentialPlaces(leaf.text).flatMap((place): Match<Detail>[] => {
          const asked = state.asked.includes(place.kind);
          const severity = severityOf(place, asked);
          if (severity === undefined) return [];
          return [
            {
              severity,
              steps: [{ event: refOf(event), role: `This call names ${place.kind}` }],
              source: place.kind,
              sink_digest: digestOf([server, place.kind, place.shown]),
              detail: { server, tool, path: leaf.path, place, asked },
            },
          ];
        }),
      );
  },

  explain({ steps, detail: { server, tool, path, place, asked } }) {
    const wanted = asked ? 'The user’s prompt names such a place.' : 'No prompt of the session names such a place.';
    return {
      title: `${shorten(tool, 64)} on ${serverName(server)} names a place of credentials: ${place.kind}`,
      reason: `Parameter ${shorten(path, 80)} of ${shorten(tool, 64)} on ${serverName(server)} names ${shorten(place.shown)}, a place of credentials (${place.kind}). ${wanted}`,
      evidence: steps,
    };
  },

  examples: [
    {
      name: 'The agent opens a private key that nobody mentioned',
      fires: true,
      severity: 'medium',
      events: [prompt('Tidy up my notes.'), read('/home/ana/.ssh/id_ed25519')],
    },
    {
      name: 'A page is fetched from the metadata address, written as one number',
      fires: true,
      severity: 'high',
      events: [
        prompt('Check the weather page.'),
        call('browser', 'fetch_url', { url: 'http://2852039166/latest/meta-data/' }),
      ],
    },
    {
      name: 'A command prints cloud credentials, with the path escaped',
      fires: true,
      severity: 'medium',
      events: [prompt('What is in my home?'), read('..%2f..%2f.aws%2fcredentials')],
    },
    {
      name: 'A shell command looks at the password file',
      fires: true,
      severity: 'medium',
      events: [
        tools('shell', [{ name: 'run_command', description: 'Runs a command.' }]),
        call('shell', 'run_command', { command: 'cat /etc/shadow | head' }),
      ],
    },
    {
      name: 'A project’s environment file',
      fires: true,
      severity: 'low',
      events: [prompt('Why does the build fail?'), read('service/.env')],
    },
    {
      name: 'The user asked about the keys',
      fires: true,
      severity: 'low',
      events: [prompt('Which keys are in ~/.ssh on this machine?'), read('/home/ana/.ssh')],
    },
    { name: 'Near miss: a template of an environment file', fires: false, events: [read('service/.env.example')] },
    { name: 'Near miss: the public half of a key', fires: false, events: [read('/home/ana/.ssh/id_ed25519.pub')] },
    {
      name: 'Near miss: a mail that speaks of such a file',
      fires: false,
      events: [call('mailer', 'send_email', { to: 'lee@example.com', body: 'Never copy ~/.ssh/id_rsa anywhere.' })],
    },
    {
      name: 'Near miss: the user named the environment file',
      fires: false,
      events: [prompt('Add the region to service/.env please.'), read('service/.env')],
    },
    {
      name: 'Near miss: an address that only begins alike',
      fires: false,
      events: [call('browser', 'fetch_url', { url: 'http://169.254.169.2540.example.com/' })],
    },
  ],
});

/** Asking for a place of settings makes it ordinary; asking for credentials only makes it less strange. */
function severityOf({ grade }: CredentialPlace, asked: boolean): Severity | undefined {
  if (grade === 'metadata') return asked ? 'medium' : 'high';
  if (grade === 'credential') return asked ? 'low' : 'medium';
  return asked ? undefined : 'low';
}

/** Kinds that a prompt names by a path, or in plain words. */
function kindsNamed(text: string): string[] {
  const words: readonly [string, RegExp][] = [
    ['SSH key', /\bssh[ -]?keys?\b/i],
    ['AWS credentials', /\baws (?:credentials?|keys?)\b/i],
    ['Kubernetes credentials', /\bkube ?config\b/i],
    ['environment file', /\benv(?:ironment)? (?:file|variables?)\b|\bdotenv\b/i],
    ['agent configuration', /\bmcp (?:config|settings|servers?)\b/i],
  ];
  return [
    ...credentialPlaces(text).map(({ kind }) => kind),
    ...words.filter(([, pattern]) => pattern.test(text)).map(([kind]) => kind),
  ];
}

function read(path: string): RawEvent {
  return call('files', 'read_file', { path });
}
