/** The fields of one event as rules ask for them: each is read, turned into text and folded at most once. */
import { foldCase } from './fold.ts';
import { type FieldValue, type RuleRecord, textOf, valuesOf } from './record.ts';
import { Sketch } from './sketch.ts';

/** Numbers the fields that a set of rules asks for. */
export class FieldTable {
  readonly fields: string[] = [];
  /** How many literals are looked for in each field. */
  readonly literals: number[] = [];
  private readonly slots = new Map<string, number>();

  slot(field: string): number {
    let slot = this.slots.get(field);
    if (slot === undefined) {
      slot = this.fields.length;
      this.fields.push(field);
      this.literals.push(0);
      this.slots.set(field, slot);
    }
    return slot;
  }

  /** Notes that literals are looked for in a field. */
  seeks(slot: number, literals: number): void {
    this.literals[slot] = (this.literals[slot] ?? 0) + literals;
  }
}

/** Fewer literals, or shorter texts, are searched for faster without a sketch. */
const SKETCH_LITERALS_MIN = 4;
const SKETCH_CHARS_MIN = 128;

/** Looks at one record after the other. Made when all fields are in the table. */
export class FieldView {
  private readonly table: FieldTable;
  private record: RuleRecord | undefined;
  private readonly values_of: (readonly FieldValue[] | undefined)[];
  private readonly texts_of: (readonly string[] | undefined)[];
  private readonly folded_of: (readonly string[] | undefined)[];
  private readonly sketches: (Sketch | undefined)[];
  /** Whether there is a sketch of this record's field; undefined when nobody asked. */
  private readonly sketched: (boolean | undefined)[];

  constructor(table: FieldTable) {
    this.table = table;
    this.values_of = new Array(table.fields.length).fill(undefined);
    this.texts_of = new Array(table.fields.length).fill(undefined);
    this.folded_of = new Array(table.fields.length).fill(undefined);
    this.sketches = new Array(table.fields.length).fill(undefined);
    this.sketched = new Array(table.fields.length).fill(undefined);
  }

  /** Turns to the next record; undefined lets go of the last one. */
  look(record: RuleRecord | undefined): void {
    this.record = record;
    this.values_of.fill(undefined);
    this.texts_of.fill(undefined);
    this.folded_of.fill(undefined);
    this.sketched.fill(undefined);
  }

  values(slot: number): readonly FieldValue[] {
    let values = this.values_of[slot];
    if (values === undefined) {
      values = valuesOf(this.record?.get(this.table.fields[slot] as string));
      this.values_of[slot] = values;
    }
    return values;
  }

  texts(slot: number): readonly string[] {
    let texts = this.texts_of[slot];
    if (texts === undefined) {
      const values = this.values(slot);
      texts = values.every((value) => typeof value === 'string') ? values : values.map(textOf);
      this.texts_of[slot] = texts;
    }
    return texts;
  }

  folded(slot: number): readonly string[] {
    let folded = this.folded_of[slot];
    if (folded === undefined) {
      folded = this.texts(slot).map(foldCase);
      this.folded_of[slot] = folded;
    }
    return folded;
  }

  /** A sketch of the folded texts, or undefined when none is worth while. */
  sketch(slot: number): Sketch | undefined {
    let there = this.sketched[slot];
    if (there === undefined) {
      there = this.isWorthSketching(slot);
      if (there) {
        const sketch = this.sketches[slot] ?? new Sketch();
        this.sketches[slot] = sketch;
        sketch.fill(this.folded(slot));
      }
      this.sketched[slot] = there;
    }
    return there ? this.sketches[slot] : undefined;
  }

  private isWorthSketching(slot: number): boolean {
    if ((this.table.literals[slot] ?? 0) < SKETCH_LITERALS_MIN) return false;
    let chars = 0;
    for (const text of this.folded(slot)) chars += text.length;
    return chars >= SKETCH_CHARS_MIN;
  }
}
