/** Finds calls whose parameters the tool's published schema does not know, or that are odd for the place they are in. */
import type { Severity } from '../../core/alert.ts';
import { holdsWord, wordSet, wordsOf } from '../catalog/words.ts';
import { defineDetector, type Match } from '../detector.ts';
import { call, prompt, result, tools } from '../example_events.ts';
import { digestOf } from '../finding_id.ts';
import { type Edge, type EventRef, refOf } from '../lineage/edge.ts';
import { isRecord, schemaObject } from '../tools/schema_names.ts';
import { serverName, shorten } from '../wording.ts';

type Oddity = 'undeclared' | 'too_long' | 'random';

interface Detail {
  server: string;
  tool: string;
  path: string;
  oddity: Oddity;
  chars: number;
  /** Where a value in it came from, if from another server. */
  carried?: EventRef;
  draws: boolean;
}

interface Odd {
  path: string;
  oddity: Oddity;
  text: string;
}

const ODD_MAX = 8;
const DEPTH_MAX = 4;
const LONG_CHARS = 10_240;
const RANDOM_CHARS_MIN = 50;
const RANDOM_BITS_MIN = 5.5;
const UNDECLARED_LONG_CHARS = 256;
const NAME_RISK = 10;
/** Names under which a server can draw data that it has no need of. */
const DRAWS =
  wordSet(`context history conversation transcript notes sidenote memory reasoning thought credential credentials
  password secret debug metadata prompt env environment system`);
/** Long or random values are what these are for. */
const MATERIAL =
  wordSet(`content contents body text message html markdown data file base64 blob image token key cursor signature
  hash digest sha nonce code source diff patch query sql script document page url uri payload certificate value input prompt json`);

export default defineDetector<Record<string, never>, Detail>({
  metadata: {
    id: 'parameters_undeclared',
    version: 1,
    title: 'Call with parameters that the tool did not declare',
    description: {
      detects:
        'A parameter that the published schema does not name, a text beyond 10 KiB or beyond the schema’s own maximum, ' +
        'and a random-looking string where the schema asks for none. Weak by itself; more where the parameter carries ' +
        'data of another server, is long, or has a name that asks for context or secrets.',
      misses:
        'Tools whose definition was not listed in the session, schemas that allow any parameter, and data that fits into ' +
        'declared parameters.',
    },
    severity: 'low',
    status: 'experimental',
    tags: ['AML.T0053', 'AML.T0086', 'ASI02', 'LLM06', 'MCP10'],
    references: [
      'https://atlas.mitre.org/techniques/AML.T0053',
      'https://owasp.org/www-project-mcp-top-10/',
      'https://modelcontextprotocol.io/specification/2025-06-18/server/tools',
    ],
    false_positives: [
      'Models make up a parameter now and then; alone and short it adds little.',
      'The server was updated and the client still holds the old list.',
      'Gateways that add parameters of their own to each call.',
    ],
    runbook: [
      'Read the parameter: does it hold data that the tool has no use for?',
      'See where the value came from, and whether the description asks for it.',
      'Have the client refuse parameters that are not in the schema.',
    ],
  },
  watches: ['tool.call'],
  group_by: 'session',
  initial: () => ({}),

  step(_state, event, { edges, definition }) {
    if (definition === undefined || event.params === undefined) return [];
    const odd: Odd[] = [];
    look(event.params, definition.inputSchema, definition.inputSchema, '', 0, odd);
    return odd.map((each): Match<Detail> => {
      const carried = carriedFrom(each.path, edges);
      const draws = holdsWord(wordsOf(each.path), DRAWS);
      const severity = severityOf(each, carried !== undefined, draws);
      const server = event.server ?? '';
      const tool = event.tool ?? '';
      return {
        severity,
        ...(severity === 'low' && { risk: NAME_RISK }),
        steps: [
          ...(carried === undefined ? [] : [{ event: carried, role: 'This result held a value of the parameter' }]),
          { event: refOf(event), role: 'This call carried the parameter' },
        ],
        source: `${server}\u0000${tool}`,
        sink_digest: digestOf([each.oddity, each.path]),
        detail: {
          server,
          tool,
          path: each.path,
          oddity: each.oddity,
          chars: each.text.length,
          ...(carried && { carried }),
          draws,
        },
      };
    });
  },

  explain({ steps, detail: { server, tool, path, oddity, chars, carried, draws } }) {
    const name = shorten(path, 80);
    const where = `${shorten(tool, 64)} on ${serverName(server)}`;
    const from =
      carried === undefined
        ? ''
        : ` It holds a value that ${carried.tool} on ${serverName(carried.server)} gave before.`;
    const asks = draws ? ' Its name asks for more than the task.' : '';
    return {
      title: `${where} was called with ${TITLE[oddity]}`,
      reason: `Parameter ${name} of ${where} ${REASON[oddity]}, and has ${chars === 1 ? 'one character' : `${chars} characters`}.${from}${asks}`,
      evidence: steps,
    };
  },

  examples: [
    {
      name: 'A value of the patient record travels in a parameter that nobody declared',
      fires: true,
      severity: 'medium',
      events: [
        prompt('What will the weather be?'),
        tools('weather', [forecast()]),
        call('clinic', 'get_patient', { id: 7 }),
        result('clinic', 'get_patient', { name: 'P. Lind', email: 'p.lind@example.org' }),
        call('weather', 'forecast', { town: 'Bern', extra: 'p.lind@example.org' }),
      ],
    },
    {
      name: 'The conversation in a parameter that nobody declared',
      fires: true,
      severity: 'medium',
      events: [
        tools('weather', [forecast()]),
        call('weather', 'forecast', { town: 'Bern', context: 'The user asked about …' }),
      ],
    },
    {
      name: 'A short parameter that the model made up',
      fires: true,
      severity: 'low',
      events: [tools('weather', [forecast()]), call('weather', 'forecast', { town: 'Bern', unit: 'C' })],
    },
    {
      name: 'A random-looking string as the name of a town',
      fires: true,
      severity: 'low',
      events: [
        tools('weather', [forecast()]),
        call('weather', 'forecast', {
          town: 'Zx81kQpLw09vTnR5sYbGcHjM3uAeDfIoXtWqN7rKzVyP2hJg6BmC4dEsU_a-iFlO',
        }),
      ],
    },
    {
      name: 'A text far beyond what a town’s name needs',
      fires: true,
      severity: 'low',
      events: [tools('weather', [forecast()]), call('weather', 'forecast', { town: 'Bern '.repeat(3_000) })],
    },
    {
      name: 'Near miss: every parameter is declared',
      fires: false,
      events: [tools('weather', [forecast()]), call('weather', 'forecast', { town: 'Bern', days: 3 })],
    },
    {
      name: 'Near miss: the schema allows further parameters',
      fires: false,
      events: [
        tools('weather', [{ ...forecast(), inputSchema: { ...forecast().inputSchema, additionalProperties: true } }]),
        call('weather', 'forecast', { town: 'Bern', unit: 'C' }),
      ],
    },
    {
      name: 'Near miss: the definition was never listed',
      fires: false,
      events: [call('weather', 'forecast', { town: 'Bern', context: 'all of it' })],
    },
    {
      name: 'Near miss: a long text in a place for texts',
      fires: false,
      events: [
        tools('wiki', [
          {
            name: 'write',
            inputSchema: { type: 'object', properties: { page: { type: 'string' }, body: { type: 'string' } } },
          },
        ]),
        call('wiki', 'write', { page: 'Trees', body: 'Oak. '.repeat(4_000) }),
      ],
    },
    {
      name: 'Near miss: a parameter that a part of the schema declares',
      fires: false,
      events: [
        tools('shop', [
          {
            name: 'find',
            inputSchema: {
              type: 'object',
              allOf: [{ $ref: '#/$defs/page' }],
              properties: { word: { type: 'string' } },
              $defs: { page: { properties: { limit: { type: 'integer' } } } },
            },
          },
        ]),
        call('shop', 'find', { word: 'lamp', limit: 5 }),
      ],
    },
  ],
});

const TITLE: Record<Oddity, string> = {
  undeclared: 'a parameter that it did not declare',
  too_long: 'a parameter of unusual length',
  random: 'a random-looking parameter',
};
const REASON: Record<Oddity, string> = {
  undeclared: 'is not in the published schema',
  too_long: 'is longer than such a parameter needs to be',
  random: 'looks random where the schema asks for no such value',
};

function severityOf({ oddity, text }: Odd, carried: boolean, draws: boolean): Severity {
  if (oddity !== 'undeclared') return 'low';
  return carried || draws || text.length > UNDECLARED_LONG_CHARS ? 'medium' : 'low';
}

/** Walks the parameters beside their schema; what is beyond a parameter that nobody declared is not looked at. */
function look(value: unknown, schema: unknown, root: unknown, path: string, depth: number, odd: Odd[]): void {
  if (odd.length >= ODD_MAX || depth > DEPTH_MAX) return;
  if (typeof value === 'string') {
    lookAtText(value, schema, path, odd);
    return;
  }
  if (!isRecord(value)) return;
  const known = schemaObject(schema, root);
  for (const [name, child] of Object.entries(value)) {
    const here = path === '' ? name : `${path}.${name}`;
    if (odd.length >= ODD_MAX) return;
    if (known === undefined || known.named.has(name)) look(child, known?.named.get(name), root, here, depth + 1, odd);
    else if (!known.open) odd.push({ path: here, oddity: 'undeclared', text: textOf(child) });
  }
}

function lookAtText(text: string, schema: unknown, path: string, odd: Odd[]): void {
  const limits = isRecord(schema) ? schema : {};
  const maximum = typeof limits.maxLength === 'number' ? limits.maxLength : LONG_CHARS;
  const material = holdsWord(wordsOf(path), MATERIAL);
  if (text.length > maximum && (!material || typeof limits.maxLength === 'number')) {
    odd.push({ path, oddity: 'too_long', text });
    return;
  }
  const free = limits.format === undefined && limits.pattern === undefined && limits.contentEncoding === undefined;
  if (free && !material && looksRandom(text)) odd.push({ path, oddity: 'random', text });
}

/** One run of plain characters without a word in it. Text of other scripts has many letters without being random. */
function looksRandom(text: string): boolean {
  if (text.length < RANDOM_CHARS_MIN || text.length > LONG_CHARS || !/^[\w+/=.~-]+$/.test(text)) return false;
  const counts = new Map<string, number>();
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits >= RANDOM_BITS_MIN;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

/** The first result of another server whose value stands in this parameter. */
function carriedFrom(path: string, edges: readonly Edge[]): EventRef | undefined {
  const inside = edges.find(
    (edge) =>
      edge.from.server !== edge.to.server &&
      (edge.path === path || edge.path.startsWith(`${path}.`) || edge.path.startsWith(`${path}[`)),
  );
  return inside?.in_prompt === false ? inside.from : undefined;
}

function forecast() {
  const properties = { town: { type: 'string' }, days: { type: 'integer' } };
  return {
    name: 'forecast',
    description: 'Returns the forecast of a town.',
    inputSchema: { type: 'object', properties },
  };
}
