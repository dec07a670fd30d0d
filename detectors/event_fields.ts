/** Typed reading of the parts of an event that only some types have. They were checked where the event came in. */
import type { z } from 'zod';
import type { Decision as DecisionSchema, EventType, ProducerEvent, ProvenanceEvent } from '../core/event.ts';

type Produced<T extends EventType> = Extract<z.infer<typeof ProducerEvent>, { type: T }>;

export type Approval = Produced<'approval'>['approval'];
export type ToolApproval = Produced<'tool.approval'>['tool_approval'];
export type ServerInfo = Produced<'server.version'>['server_info'];
export type ConfigSnapshot = Produced<'config.snapshot'>['config'];
export type ExternalSignal = Produced<'external.signal'>['external'];
type Token = Produced<'token.issued'>['token'];
type Revocation = Produced<'token.revoked'>['revocation'];
type Decision = z.infer<typeof DecisionSchema>;

/** What an approver decided about an action; only on `approval`. */
export function approvalOf(event: ProvenanceEvent): Approval | undefined {
  return event.type === 'approval' ? (event.rest.approval as Approval | undefined) : undefined;
}

/** What was decided about a tool's definition; only on `tool.approval`. */
export function toolApprovalOf(event: ProvenanceEvent): ToolApproval | undefined {
  return event.type === 'tool.approval' ? (event.rest.tool_approval as ToolApproval | undefined) : undefined;
}

/** What a policy decided; on `policy.decision`, and on any event that carries the decision about itself. */
export function decisionOf(event: ProvenanceEvent): Decision | undefined {
  return event.rest.decision as Decision | undefined;
}

/** Which program a server runs; only on `server.version`. */
export function serverInfoOf(event: ProvenanceEvent): ServerInfo | undefined {
  return event.type === 'server.version' ? (event.rest.server_info as ServerInfo | undefined) : undefined;
}

/** A configuration as it was found; only on `config.snapshot`. */
export function configOf(event: ProvenanceEvent): ConfigSnapshot | undefined {
  return event.type === 'config.snapshot' ? (event.rest.config as ConfigSnapshot | undefined) : undefined;
}

/** What another program says about a value; only on `external.signal`. */
export function externalOf(event: ProvenanceEvent): ExternalSignal | undefined {
  return event.type === 'external.signal' ? (event.rest.external as ExternalSignal | undefined) : undefined;
}

/** A token as it was issued; only on `token.issued`. */
export function tokenOf(event: ProvenanceEvent): Token | undefined {
  return event.type === 'token.issued' ? (event.rest.token as Token | undefined) : undefined;
}

/** When a token was revoked; only on `token.revoked`. */
export function revocationOf(event: ProvenanceEvent): Revocation | undefined {
  return event.type === 'token.revoked' ? (event.rest.revocation as Revocation | undefined) : undefined;
}

/** The directories that an event declares as what may be touched. */
export function rootsOf(event: ProvenanceEvent): string[] {
  const roots = event.rest.roots ?? configOf(event)?.roots ?? serverInfoOf(event)?.roots;
  return Array.isArray(roots) ? roots.map((root: { uri: string }) => root.uri) : [];
}

type TextField =
  | 'token_ref'
  | 'server_version'
  | 'server_digest'
  | 'source_address'
  | 'host'
  | 'uri'
  | 'user_source'
  | 'conversation_id';

/** One of the plain text fields beyond those that every event has. */
export function textOf(event: ProvenanceEvent, field: TextField): string | undefined {
  const text = event.rest[field];
  return typeof text === 'string' ? text : undefined;
}

/** Whom the credential of a call names. */
export function audienceOf(event: ProvenanceEvent): string[] | undefined {
  return event.rest.token_audience as string[] | undefined;
}

/** Where something is installed: the host, or the person where no host is known. */
export function installationOf(event: ProvenanceEvent): string {
  return textOf(event, 'host') ?? event.user_id ?? '';
}
