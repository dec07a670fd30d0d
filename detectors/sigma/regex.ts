/** Regular expressions of rules: in linear time, and behind literals that most texts do not hold. */
import { RE2JS } from 're2js';
import { messageOf } from '../../core/errors.ts';
import { foldForRegex } from './fold.ts';
import { requiredLiterals } from './regex_literals.ts';
import { RULE_LIMITS } from './rule_limits.ts';

export interface RegexOptions {
  pattern: string;
  ignore_case: boolean;
  multi_line: boolean;
  dot_all: boolean;
}

export interface RuleRegex {
  /** Whether it is found in the text's first `regex_text_chars_max` characters. `folded`: the text after `foldCase`. */
  test(text: string, folded?: string): boolean;
  /** Every text in which it is found holds one of these; after `foldForRegex` when case is ignored. */
  readonly literals: readonly string[] | undefined;
  /** Whether `folded` is of use. */
  readonly ignore_case: boolean;
  /** How many texts came, and how many reached the expression itself. */
  readonly counters: { texts: number; searched: number };
}

/** Why an expression cannot be used, or undefined when it can. */
export function regexProblem(options: RegexOptions): string | undefined {
  if (options.pattern.length > RULE_LIMITS.regex_chars_max) {
    return `has more than ${RULE_LIMITS.regex_chars_max} characters`;
  }
  try {
    const size = compile(options).programSize();
    if (size <= RULE_LIMITS.regex_program_max) return undefined;
    return `is too large: ${size} instructions, and ${RULE_LIMITS.regex_program_max} are allowed`;
  } catch (error) {
    return `is not an expression of RE2: ${messageOf(error).slice(0, 200)}`;
  }
}

/** An expression for which `regexProblem` found nothing. */
export function createRegex(options: RegexOptions): RuleRegex {
  const expression = compile(options);
  const literals = requiredLiterals(options.pattern, options.ignore_case)?.any;
  const { ignore_case } = options;
  const counters = { texts: 0, searched: 0 };
  return {
    test(text, folded = text) {
      counters.texts++;
      if (literals !== undefined) {
        const searched = ignore_case ? foldForRegex(folded) : text;
        if (!literals.some((literal) => searched.includes(literal))) return false;
      }
      counters.searched++;
      const { regex_text_chars_max } = RULE_LIMITS;
      return expression.test(text.length > regex_text_chars_max ? text.slice(0, regex_text_chars_max) : text);
    },
    literals,
    ignore_case,
    counters,
  };
}

function compile({ pattern, ignore_case, multi_line, dot_all }: RegexOptions): RE2JS {
  const flags =
    (ignore_case ? RE2JS.CASE_INSENSITIVE : 0) | (multi_line ? RE2JS.MULTILINE : 0) | (dot_all ? RE2JS.DOTALL : 0);
  return RE2JS.compile(pattern, flags);
}
