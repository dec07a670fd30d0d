/** A sentence of a result. What it says is read when it is first asked for: most sentences have nothing to do with a call. */
import type { EventRef } from '../lineage/edge.ts';
import { directiveOf } from './directive.ts';
import { PART } from './lexicon.ts';
import type { Cut } from './sentence_cut.ts';
import { type Term, termsOf } from './terms.ts';

/** What the sentences of one text share. */
export interface Block {
  from: EventRef;
  /** How much its result speaks to the model that reads it, 0 to 1. */
  evidence: number;
  /** How much of what the agent asked for, to get this text, a prompt names: 0 to 1. */
  source_named: number;
}

interface Said {
  /** 1 for an order, `PLAIN` for any sentence. */
  directive: number;
  /** The kinds of action that it names, as bits of `verbBit`. */
  verbs: number;
  /** Says "you" or "your". */
  addresses: boolean;
  /** Speaks of assistants, agents, models or clients. */
  names_agent: boolean;
  /** Words that hold an underscore or an inner capital, as names of tools do. */
  names: readonly string[];
  /** The fields of life of its words, as bits. */
  fields: number;
}

const NAMES_MAX = 8;
const NO_NAMES: readonly string[] = [];
const SHOWN_CHARS_MAX = 300;

export class Sentence {
  /** The text it stands in: neighbours have the same. */
  readonly block: Block;
  private readonly source: string;
  private readonly cut: Cut;
  private found: Said | undefined;

  constructor(block: Block, source: string, cut: Cut) {
    this.block = block;
    this.source = source;
    this.cut = cut;
  }

  get said(): Said {
    this.found ??= read(this.terms);
    return this.found;
  }

  /** As it is shown. */
  get text(): string {
    const { start, end } = this.cut;
    return end - start > SHOWN_CHARS_MAX
      ? `${this.source.slice(start, start + SHOWN_CHARS_MAX - 1)}…`
      : this.source.slice(start, end);
  }

  get terms(): Term[] {
    return termsOf(this.source, this.cut.start, this.cut.end);
  }
}

function read(terms: readonly Term[]): Said {
  const said = {
    directive: directiveOf(terms),
    verbs: 0,
    addresses: false,
    names_agent: false,
    names: NO_NAMES,
    fields: 0,
  };
  for (const { lex } of terms) {
    if ((lex.parts & PART.agent) !== 0) said.names_agent = true;
    if (lex.word === 'you' || lex.word === 'your') said.addresses = true;
    if (lex.weight === 0) continue;
    if (lex.word.includes('_') && said.names.length < NAMES_MAX) said.names = [...said.names, lex.word];
    said.fields |= lex.fields;
    said.verbs |= lex.verb_bit;
  }
  return said;
}
