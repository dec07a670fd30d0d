/** Reads the condition of a rule, such as `1 of selection* and not filter`. */
import type { Condition } from './ir.ts';
import { RULE_LIMITS } from './rule_limits.ts';
import { quoted } from './yaml_tree.ts';

/** The condition, or what is wrong with it. */
export function parseCondition(text: string, selections: readonly string[]): Condition | { problem: string } {
  if (text.length > RULE_LIMITS.condition_chars_max) {
    return { problem: `has more than ${RULE_LIMITS.condition_chars_max} characters` };
  }
  if (text.includes('|')) {
    return { problem: 'uses a pipe, which Sigma has replaced by correlation rules' };
  }
  const parser = new ConditionParser(text.match(/[()]|[^\s()]+/g) ?? [], selections);
  try {
    return parser.whole();
  } catch (error) {
    if (error instanceof ConditionError) return { problem: error.message };
    throw error;
  }
}

class ConditionError extends Error {}

const WORDS: ReadonlySet<string> = new Set(['and', 'or', 'not', 'of', 'them', '(', ')']);

class ConditionParser {
  private at = 0;
  private depth = 0;
  private readonly tokens: readonly string[];
  private readonly selections: readonly string[];

  constructor(tokens: readonly string[], selections: readonly string[]) {
    this.tokens = tokens;
    this.selections = selections;
  }

  whole(): Condition {
    const condition = this.either();
    const left = this.tokens[this.at];
    if (left !== undefined) throw new ConditionError(`cannot go on with ${quoted(left)}`);
    return condition;
  }

  private either(): Condition {
    if (++this.depth > RULE_LIMITS.depth_max) {
      throw new ConditionError(`is nested deeper than ${RULE_LIMITS.depth_max} levels`);
    }
    const of = [this.both()];
    while (this.take('or')) of.push(this.both());
    this.depth--;
    return joinedConditions('or', of);
  }

  private both(): Condition {
    const of = [this.negation()];
    while (this.take('and')) of.push(this.negation());
    return joinedConditions('and', of);
  }

  private negation(): Condition {
    let negated = false;
    while (this.take('not')) negated = !negated;
    const condition = this.operand();
    return negated ? { op: 'not', of: condition } : condition;
  }

  private operand(): Condition {
    const token = this.tokens[this.at++];
    if (token === undefined) throw new ConditionError('ends too early');
    if (token === '(') {
      const inside = this.either();
      if (!this.take(')')) throw new ConditionError('has a parenthesis that is not closed');
      return inside;
    }
    if (this.tokens[this.at]?.toLowerCase() === 'of') {
      this.at++;
      return this.quantified(token.toLowerCase());
    }
    if (WORDS.has(token.toLowerCase())) throw new ConditionError(`has ${quoted(token)} where a selection should stand`);
    if (!this.selections.includes(token))
      throw new ConditionError(`names ${quoted(token)}, and there is no such selection`);
    return { op: 'selection', name: token };
  }

  private quantified(count: string): Condition {
    if (!['1', 'any', 'all'].includes(count)) {
      throw new ConditionError(`has ${quoted(`${count} of`)}; there are "1 of" and "all of"`);
    }
    const pattern = this.tokens[this.at++];
    if (pattern === undefined) throw new ConditionError('ends too early');
    const names = this.selections.filter((name) =>
      pattern.toLowerCase() === 'them' ? !name.startsWith('_') : fits(name, pattern),
    );
    if (names.length === 0) throw new ConditionError(`has ${quoted(pattern)}, and no selection is called so`);
    return joinedConditions(
      count === 'all' ? 'and' : 'or',
      names.map((name) => ({ op: 'selection', name })),
    );
  }

  private take(word: string): boolean {
    if (this.tokens[this.at]?.toLowerCase() !== word) return false;
    this.at++;
    return true;
  }
}

/** One condition out of several. */
export function joinedConditions(op: 'and' | 'or', of: Condition[]): Condition {
  const [only] = of;
  return of.length === 1 && only !== undefined ? only : { op, of };
}

/** Whether a name fits a pattern with `*`. */
function fits(name: string, pattern: string): boolean {
  const parts = pattern.split('*');
  const [first = '', ...rest] = parts;
  if (rest.length === 0) return name === pattern;
  const last = rest.pop() ?? '';
  if (!name.startsWith(first) || name.length < first.length + last.length || !name.endsWith(last)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0 || found + part.length > name.length - last.length) return false;
    at = found + part.length;
  }
  return true;
}
