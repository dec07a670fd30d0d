/** What a tool can do, in the words that data files, the heuristic and detectors share. */
import type { VerbClass } from './words.ts';

export const CAPABILITIES = [
  'untrusted_source', // its results hold text that others may have written
  'secret_read', // its results hold passwords, keys or tokens
  'sensitive_read', // its results hold private data of a person or an organisation
  'write', // it changes something
  'egress', // it carries data to a place that its parameters name, or that others read
  'exec', // it runs code or commands
  'persist', // what it sets up goes on by itself: a schedule, a hook, a rule
  'destructive', // what it removes or overwrites is gone
  'memory_write', // it writes to a memory that later sessions read
  'auth', // it uses or changes credentials, permissions or members
  'unknown', // nothing could be said
] as const;
export type Capability = (typeof CAPABILITIES)[number];

export const SENSITIVITIES = ['public', 'internal', 'confidential', 'secret'] as const;
export type Sensitivity = (typeof SENSITIVITIES)[number];

/** Who sees what a tool writes: the people of a shared space, those it is addressed to, or everybody. */
export const AUDIENCES = ['team', 'others', 'public'] as const;
export type Audience = (typeof AUDIENCES)[number];

/**
 * What a judgement rests on, the strongest first: an override of the tenant or the operator; a shipped file whose server
 * the configuration names; one that only the server's own words point to; annotations; a definition; the bare name.
 */
export type Basis = 'tenant' | 'operator' | 'catalog' | 'lookalike' | 'annotations' | 'definition' | 'name';

/** What is known of a tool before it is called. */
export interface ToolProfile {
  capabilities: ReadonlySet<Capability>;
  verb: VerbClass | 'unknown';
  /** What the judgement rests on. */
  basis: Basis;
  /** The data file that the server was found in, even when the file does not list this tool. */
  system?: string;
  /** Names or dotted paths of parameters that say where something goes, beside those that their names give away. */
  destinations?: ReadonlySet<string>;
  /** Names of parameters that say what is read. */
  sources?: ReadonlySet<string>;
  /** Fields of the result that others may have written; absent when it may be all of it, or none. */
  untrusted_fields?: ReadonlySet<string>;
  sensitivity?: Sensitivity;
  audience?: Audience;
  /** Only the server's own words say that it reads: they take nothing away when a call is judged. */
  claimed_read?: boolean;
  /** The server says that it changes nothing and stays inside: kept for people, never believed. */
  read_only_claim?: boolean;
}
