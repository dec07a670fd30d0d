/** Finds calls of tools whose definition nobody approved, on servers whose tools are approved one by one. */
import type { Severity } from '../../core/alert.ts';
import type { ToolDefinition } from '../../core/event.ts';
import { isNews, keep } from '../bounded.ts';
import { defineCorrelator, type Extract, type Match, type MatchStep } from '../detector.ts';
import { toolApprovalOf } from '../event_fields.ts';
import { after, call, type RawEvent, tools } from '../example_events.ts';
import type { EventRef } from '../lineage/edge.ts';
import { bareDigest, canonicalDigest, sha256Hex } from '../tools/canonical_digest.ts';
import { inLogOrder, serverName, shorten } from '../wording.ts';

interface Digests {
  definition?: string | undefined;
  description?: string | undefined;
  schema?: string | undefined;
}

type Body =
  | { kind: 'decided'; tool: string; digests: Digests; decision: 'approved' | 'rejected'; expires_ms?: number }
  | { kind: 'called'; tool: string; digests?: Digests };

interface Decided {
  tool: string;
  digests: Digests;
  decision: 'approved' | 'rejected';
  expires_ms?: number;
  event: EventRef;
}

interface State {
  decisions: Decided[];
  /** Whether a digest of an approver was ever the one that we compute. */
  digests_agree: boolean;
  told: string[];
}

type Lack = 'never_decided' | 'rejected' | 'expired' | 'other_definition' | 'only_others_rejected';

interface Detail {
  server: string;
  tool: string;
  lack: Lack;
  agree: boolean;
}

const DECISIONS_MAX = 512;
const TOLD_MAX = 512;
const CLOCK_SKEW_MS = 300_000;
const DAY_MS = 86_400_000;

export default defineCorrelator<State, Body, Detail>({
  metadata: {
    id: 'tool_used_before_approval',
    version: 1,
    title: 'Tool used without an approved definition',
    description: {
      detects:
        'On a server for which tool approvals are recorded, a call of a tool that was never decided on, whose definition ' +
        'was rejected, whose approval expired, or whose published definition is another one than was approved.',
      misses:
        'Servers without any approval record, and tools whose definition was not listed in the session: their name is ' +
        'compared only. Digests of approvers count when they are SHA-256 of the definition as RFC 8785 JSON.',
    },
    severity: 'medium',
    status: 'experimental',
    tags: ['AML.T0110', 'AML.T0053', 'ASI02', 'ASI04', 'LLM06', 'MCP02', 'MCP03'],
    references: [
      'https://atlas.mitre.org/techniques/AML.T0110',
      'https://atlas.mitre.org/techniques/AML.T0053',
      'https://owasp.org/www-project-mcp-top-10/',
    ],
    false_positives: [
      'Approvals are being introduced and not all tools of the server have had their turn.',
      'The approver hashes definitions in another way: reported as low until one digest has agreed.',
      'The approval reaches the log after the first use.',
    ],
    runbook: [
      'Look up who decides on this server’s tools and whether this tool was left out or held back.',
      'Read what the call did, and who asked for it.',
      'Approve the definition or have the gateway refuse the tool.',
    ],
  },
  armed_by: ['tool.approval'],
  watches: ['tool.approval', 'tool.call'],
  group_by: 'server',
  window_ms: 180 * DAY_MS,
  initial: () => ({ decisions: [], digests_agree: false, told: [] }),

  extract(event, { definition }): Extract<Body>[] {
    const key = event.server ?? '';
    const tool = event.tool ?? '';
    const approval = toolApprovalOf(event);
    if (approval === undefined) {
      if (event.type !== 'tool.call' || key === '') return [];
      return [
        { key, transient: true, body: { kind: 'called', tool, ...(definition && { digests: digestsOf(definition) }) } },
      ];
    }
    const { definition_sha256, description_sha256, schema_sha256, decision, expires_at } = approval;
    const digests = {
      definition: bareDigest(definition_sha256),
      ...(description_sha256 && { description: bareDigest(description_sha256) }),
      ...(schema_sha256 && { schema: bareDigest(schema_sha256) }),
    };
    const expires_ms = expires_at === undefined ? {} : { expires_ms: Date.parse(expires_at) };
    return [{ key, body: { kind: 'decided', tool, digests, decision, ...expires_ms } }];
  },

  step(state, { body, event, time_ms }): Match<Detail>[] {
    if (body.kind === 'decided') {
      const { kind: _, ...decision } = body;
      keep(state.decisions, { ...decision, event }, DECISIONS_MAX);
      return [];
    }
    if (state.decisions.length === 0) return [];
    const own = state.decisions.filter(({ tool }) => tool === body.tool);
    const alike = own.filter(({ digests }) => isSame(digests, body.digests));
    if (alike.length > 0 && body.digests !== undefined) state.digests_agree = true;
    const found = lackOf(own, alike, body.digests !== undefined, time_ms);
    if (found === undefined) return [];
    const { lack, decided } = found;
    const told_key = `${body.tool}\u0000${lack}\u0000${body.digests?.definition ?? ''}`;
    if (!isNews(state.told, told_key, TOLD_MAX)) return [];
    const agree = state.digests_agree;
    return [
      {
        severity: severityOf(lack, agree),
        steps: inLogOrder([...stepOf(decided), { event, role: 'This call used the tool' }]),
        source: `${event.server}\u0000${body.tool}`,
        sink_digest: told_key,
        detail: { server: event.server, tool: body.tool, lack, agree },
      },
    ];
  },

  explain({ steps, detail: { server, tool, lack, agree } }) {
    const name = shorten(tool, 64);
    const doubt =
      lack === 'other_definition' && !agree
        ? ' No digest of this server’s approvals has agreed with ours so far, so they may be computed in another way.'
        : '';
    return {
      title: `${name} on ${serverName(server)} was used without an approved definition`,
      reason: `Tools of ${serverName(server)} are approved one by one. ${name} ${WORDS[lack]}, and was called all the same.${doubt}`,
      evidence: steps,
    };
  },

  examples: [
    {
      name: 'A rejected definition is used',
      fires: true,
      severity: 'high',
      events: [tools('till', [refundTool('Refunds.')]), decided('Refunds.', 'rejected'), call('till', 'refund', {})],
    },
    {
      name: 'Another definition than the approved one is used',
      fires: true,
      severity: 'medium',
      events: [
        decided('Refunds.', 'approved'),
        tools('till', [refundTool('Refunds.')]),
        call('till', 'refund', {}),
        tools('till', [refundTool('Refunds anything to anybody.')]),
        call('till', 'refund', {}),
      ],
    },
    {
      name: 'A tool that nobody decided on',
      fires: true,
      severity: 'medium',
      events: [decided('Refunds.', 'approved'), call('till', 'open_drawer', {})],
    },
    {
      name: 'The approval has expired',
      fires: true,
      severity: 'medium',
      events: [
        decided('Refunds.', 'approved', '2026-01-15T10:00:00Z'),
        tools('till', [refundTool('Refunds.')]),
        after(7_200_000, call('till', 'refund', {})),
      ],
    },
    {
      name: 'Digests that never agreed are a doubt only',
      fires: true,
      severity: 'low',
      events: [
        decided('something else', 'approved'),
        tools('till', [refundTool('Refunds.')]),
        call('till', 'refund', {}),
      ],
    },
    {
      name: 'Near miss: the approved definition is used',
      fires: false,
      events: [decided('Refunds.', 'approved'), tools('till', [refundTool('Refunds.')]), call('till', 'refund', {})],
    },
    {
      name: 'Near miss: no approvals are recorded for the server',
      fires: false,
      events: [{ ...decided('Refunds.', 'approved'), server: 'vault' }, call('till', 'refund', {})],
    },
    {
      name: 'Near miss: the definition is not known, the tool’s name is approved',
      fires: false,
      events: [decided('Refunds.', 'approved'), call('till', 'refund', {})],
    },
    {
      name: 'Near miss: rejected first, approved later',
      fires: false,
      events: [
        tools('till', [refundTool('Refunds.')]),
        decided('Refunds.', 'rejected'),
        decided('Refunds.', 'approved'),
        call('till', 'refund', {}),
      ],
    },
  ],
});

const WORDS: Record<Lack, string> = {
  never_decided: 'was never decided on',
  rejected: 'was rejected',
  expired: 'has an approval that expired',
  other_definition: 'is published with another definition than was approved',
  only_others_rejected: 'was only ever rejected, with another definition',
};

function severityOf(lack: Lack, agree: boolean): Severity {
  if (lack === 'rejected') return 'high';
  return lack === 'other_definition' && !agree ? 'low' : 'medium';
}

/** What is missing; the latest decision on the same definition counts. */
function lackOf(
  own: readonly Decided[],
  alike: readonly Decided[],
  known: boolean,
  time_ms: number,
): { lack: Lack; decided?: Decided } | undefined {
  if (own.length === 0) return { lack: 'never_decided' };
  const decided = (known ? alike : own).at(-1);
  if (decided === undefined) {
    const approved = own.findLast(({ decision }) => decision === 'approved');
    const last = own.at(-1) as Decided;
    return approved === undefined
      ? { lack: 'only_others_rejected', decided: last }
      : { lack: 'other_definition', decided: approved };
  }
  if (decided.decision === 'rejected') return { lack: 'rejected', decided };
  const expired = decided.expires_ms !== undefined && time_ms > decided.expires_ms + CLOCK_SKEW_MS;
  return expired ? { lack: 'expired', decided } : undefined;
}

/** The whole definition, or its description and its schema both. */
function isSame(decided: Digests, used: Digests | undefined): boolean {
  if (used === undefined) return true;
  if (decided.definition !== undefined && decided.definition === used.definition) return true;
  return (
    decided.description !== undefined &&
    decided.schema !== undefined &&
    decided.description === used.description &&
    decided.schema === used.schema
  );
}

/** A definition stays the same object for all calls of a session. */
const digests_known = new WeakMap<ToolDefinition, Digests>();

function digestsOf(definition: ToolDefinition): Digests {
  const known = digests_known.get(definition);
  if (known !== undefined) return known;
  const digests = {
    definition: canonicalDigest(definition),
    description: sha256Hex(definition.description ?? ''),
    schema: canonicalDigest(definition.inputSchema ?? null),
  };
  digests_known.set(definition, digests);
  return digests;
}

function stepOf(decided: Decided | undefined): MatchStep[] {
  return decided === undefined ? [] : [{ event: decided.event, role: `This decision: ${decided.decision}` }];
}

function refundTool(description: string) {
  return { name: 'refund', description };
}

function decided(description: string, decision: string, expires_at?: string): RawEvent {
  const tool_approval = {
    definition_sha256: canonicalDigest(refundTool(description)),
    decision,
    approver: 'carol@example.com',
    ...(expires_at && { expires_at }),
  };
  return { type: 'tool.approval', server: 'till', tool: 'refund', tool_approval };
}
