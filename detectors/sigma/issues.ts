/** Collects what is wrong with a rule file: each with its line, its value and the rule that it breaks. */
import { RULE_LIMITS } from './rule_limits.ts';
import { type Place, quoted, type Tree, type TreeList, type TreeMap } from './yaml_tree.ts';

export interface RuleError {
  file: string;
  line: number;
  column: number;
  /** Where in the rule, such as `detection.selection.tool`. */
  path: string;
  /** The value as it may be shown; empty for a map or a list. */
  value: string;
  /** A sentence without its subject: what the value does wrong. */
  problem: string;
}

/** One line for people: place, path, value and problem. */
export function formatRuleError({ file, line, column, path, value, problem }: RuleError): string {
  return [`${file}:${line}:${column}:`, path, value, problem].filter((part) => part !== '').join(' ');
}

/** Reads typed members out of trees and notes what does not fit. A reader that notes something gives undefined. */
export class Issues {
  readonly errors: RuleError[] = [];
  private readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  add(at: Place, path: string, problem: string, value = ''): undefined {
    if (this.errors.length < RULE_LIMITS.errors_max) {
      this.errors.push({ file: this.file, line: at.line, column: at.column, path, value, problem });
    }
    return undefined;
  }

  at(tree: Tree, path: string, problem: string): undefined {
    return this.add(tree.place, path, problem, tree.kind === 'scalar' ? quoted(tree.value) : '');
  }

  map(tree: Tree, path: string): TreeMap | undefined {
    return tree.kind === 'map' ? tree : this.at(tree, path, 'must be a map');
  }

  list(tree: Tree, path: string, items_max: number = RULE_LIMITS.list_items_max): TreeList | undefined {
    if (tree.kind !== 'list') return this.at(tree, path, 'must be a list');
    if (tree.items.length > items_max) return this.at(tree, path, `has more than ${items_max} items`);
    return tree;
  }

  text(tree: Tree, path: string, chars_max: number): string | undefined {
    if (tree.kind !== 'scalar' || typeof tree.value !== 'string') return this.at(tree, path, 'must be a text');
    if (tree.value.length > chars_max) return this.at(tree, path, `has more than ${chars_max} characters`);
    return tree.value.trim() === '' ? this.at(tree, path, 'must not be empty') : tree.value;
  }

  /** A list of texts; a single text counts as a list of one. */
  texts(tree: Tree, path: string, chars_max: number): string[] | undefined {
    if (tree.kind === 'scalar') {
      const only = this.text(tree, path, chars_max);
      return only === undefined ? undefined : [only];
    }
    const items = this.list(tree, path)?.items.map((item, at) => this.text(item, `${path}[${at}]`, chars_max));
    return items?.every((item) => item !== undefined) ? items : undefined;
  }

  choice<T extends string>(tree: Tree, path: string, choices: readonly T[]): T | undefined {
    const found = choices.find((choice) => tree.kind === 'scalar' && tree.value === choice);
    return found ?? this.at(tree, path, `must be one of ${choices.join(', ')}`);
  }

  integer(tree: Tree, path: string, min: number, max: number): number | undefined {
    const value = tree.kind === 'scalar' ? tree.value : undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    return this.at(tree, path, `must be a whole number from ${min} to ${max}`);
  }

  flag(tree: Tree, path: string): boolean | undefined {
    if (tree.kind === 'scalar' && typeof tree.value === 'boolean') return tree.value;
    return this.at(tree, path, 'must be true or false');
  }

  /** Notes every key of a map that is not in `known`. */
  onlyKeys(map: TreeMap, path: string, known: readonly string[]): void {
    for (const [key, { place }] of map.entries) {
      if (!known.includes(key)) this.add(place, join(path, key), `is not known here; there are ${known.join(', ')}`);
    }
  }
}

/** The path of a member. */
export function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

/** The value of a member, or undefined. */
export function member(map: TreeMap, key: string): Tree | undefined {
  return map.entries.get(key)?.value;
}
