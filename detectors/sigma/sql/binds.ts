/** Collects the values of a statement: each becomes a parameter, and nothing of it stands in the SQL. */
import { Buffer } from 'node:buffer';

/** A value that a placeholder `{name:Type}` stands for. */
export type SqlParam = string | number | readonly string[];
export type SqlParams = Record<string, SqlParam>;

export class Binds {
  readonly params: SqlParams = {};
  private readonly names = new Map<string, string>();

  text(value: string): string {
    return this.placeholder('String', value, value);
  }

  texts(values: readonly string[]): string {
    return this.placeholder('Array(String)', JSON.stringify(values), values);
  }

  whole(value: number): string {
    return this.placeholder('Int64', String(value), value);
  }

  /** A number bit by bit: the engine's reading of decimals may be off by the last digit. */
  float(value: number): string {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    return `reinterpretAsFloat64(unhex(${this.text(bytes.toString('hex'))}))`;
  }

  private placeholder(type: string, key: string, value: SqlParam): string {
    const id = `${type} ${key}`;
    let name = this.names.get(id);
    if (name === undefined) {
      name = `p${this.names.size}`;
      this.names.set(id, name);
      this.params[name] = value;
    }
    return `{${name}:${type}}`;
  }
}
