/** How grave evidence of an injection is where it stands: a prompt may speak to the model, a result has no reason to. */
import type { InjectionEvidence } from './injection_evidence.ts';
import type { Family } from './injection_patterns.ts';

export type Place = 'result' | 'prompt' | 'definition';

export interface InjectionGrade {
  severity: 'low' | 'medium';
  /** Whether hardly any honest text would carry it; always `medium`. */
  sure: boolean;
  score: number;
  families: Family[];
}

/** What a family counts where it is not at home in a result; 1 when it is not named. */
const SHARE: Record<Place, Partial<Record<Family, number>>> = {
  result: {},
  // Users address the model, order tools and speak of their tasks all day; they also take back what they said.
  prompt: {
    override: 0.75,
    secrecy: 0.67,
    credential_order: 0.67,
    claimed_source: 0.5,
    addresses_model: 0.33,
    task_reference: 0,
    tool_order: 0,
    output_order: 0.33,
    urgency: 0,
  },
  // A description tells the model how to use the tool.
  definition: { addresses_model: 0.5, task_reference: 0.5, tool_order: 0, output_order: 0.5, urgency: 0.5 },
};

const LOW_MIN = 3;
/** Two families that agree; in a prompt it takes a sure grade. */
const MEDIUM_MIN = 4;
const MEDIUM_FAMILIES_MIN = 2;
const SURE_MIN = 7;
const SURE_FAMILIES_MIN = 3;
/** Enough when one of the signs is one that ordinary texts do not have. */
const RARE_MIN = 6;
const RARE = 4;

/** The grade of a text's evidence, or undefined when it is too weak to be told. Never more than `medium`. */
export function gradeInjection(evidence: InjectionEvidence, place: Place): InjectionGrade | undefined {
  if (evidence.score < LOW_MIN) return undefined;
  const share = SHARE[place];
  let score = 0;
  let heaviest = 0;
  const families: Family[] = [];
  for (const family of evidence.families) {
    const weight = (evidence.weights[family] ?? 0) * (share[family] ?? 1);
    if (weight === 0) continue;
    families.push(family);
    score += weight;
    heaviest = Math.max(heaviest, weight);
  }
  if (score < LOW_MIN) return undefined;
  const many = families.length >= SURE_FAMILIES_MIN && score >= SURE_MIN;
  const rare = families.length >= 2 && heaviest >= RARE && score >= RARE_MIN;
  const sure = many || rare;
  // To drop earlier instructions is asked of nobody but a model, so it needs no second family.
  const agree =
    place === 'result' &&
    (families.includes('override') || (families.length >= MEDIUM_FAMILIES_MIN && score >= MEDIUM_MIN));
  return { severity: sure || agree ? 'medium' : 'low', sure, score, families };
}

const MEANING: Record<Family, string> = {
  override: 'tells the reader to drop earlier instructions',
  role_markup: 'carries marks of a system or assistant message',
  addresses_model: 'speaks to a language model',
  task_reference: 'speaks of the task that the reader was given',
  claimed_source: 'claims to come from the system, its makers or the user',
  secrecy: 'asks to keep something from the user',
  credential_order: 'asks for credentials, instructions or the conversation',
  tool_order: 'orders a tool to be called',
  persona: 'gives the reader another role or lifts its limits',
  output_order: 'says what the answer must contain',
  urgency: 'presses in capitals',
  hidden: 'hides text from people',
};

/** The families in an analyst's words. */
export function familiesInWords(families: readonly Family[]): string {
  return families.map((family) => MEANING[family]).join('; ');
}
