/** Everything that the owners of one log share, and the faults that happen between any two steps. */
import { AppError } from '../../../core/errors.ts';
import type { Bug } from './bugs.ts';
import { CoordinatorModel, Fenced, PartitionModel } from './kafka_model.ts';
import { Random } from './random.ts';
import { Oracle } from './sequencing.ts';
import { StoreModel } from './store_model.ts';

/** A call failed; what became of it is not known. */
export class Fault extends Error {}

/** A step of an owner: it says what comes next, and may be the last that it does. */
export type Steps<T = void> = Generator<string, T, undefined>;

/** One time that a process believes to own the log. */
export interface Tenure {
  name: string;
  steps: Steps;
  /** It was told that the log is no longer its own. */
  ended: boolean;
  asleep_until: number;
  /** A request that was not sent yet. */
  pending: (() => unknown) | undefined;
}

export class World {
  readonly random: Random;
  readonly bugs: ReadonlySet<Bug>;
  readonly events = new PartitionModel();
  readonly elsewhere = new PartitionModel();
  readonly ledger = new PartitionModel();
  readonly coordinator = new CoordinatorModel();
  readonly store = new StoreModel();
  readonly oracle = new Oracle();
  /** Requests on their way whose senders do not wait for them any more. */
  late: (() => unknown)[] = [];
  readonly trace: string[] = [];
  tick = 0;
  /** How many requests arrived that nobody waited for any more. */
  arrived = 0;
  /** How likely a call fails. */
  fault_rate = 0.05;

  constructor(seed: number, bugs: ReadonlySet<Bug>) {
    this.random = new Random(seed);
    this.bugs = bugs;
  }

  has(bug: Bug): boolean {
    return this.bugs.has(bug);
  }

  /** One call over the network. Before it the caller may sleep or die; it may fail before or after it worked, or work later. */
  *call<T>(tenure: Tenure, what: string, work: () => T): Steps<T> {
    tenure.pending = work;
    yield what;
    tenure.pending = undefined;
    const fails = this.random.chance(this.fault_rate);
    const fate = fails ? this.random.of(['not done', 'done, not answered', 'done later'] as const) : 'done';
    this.trace.push(`${this.tick} ${tenure.name}: ${what}${fails ? ` (${fate})` : ''}`);
    if (fate === 'not done') throw new Fault(what);
    if (fate === 'done later') {
      this.late.push(work);
      throw new Fault(what);
    }
    const result = work();
    if (fails) throw new Fault(what);
    return result;
  }

  /** Lets something arrive that was on its way. */
  arrive(): void {
    const [work] = this.late.splice(this.random.below(this.late.length), 1);
    this.arrived++;
    try {
      work?.();
      this.trace.push(`${this.tick} a late request arrives`);
    } catch (error) {
      if (!(error instanceof Fenced)) throw error;
      this.trace.push(`${this.tick} a late request is refused`);
    }
  }
}

export function isFatal(error: unknown): error is AppError {
  return error instanceof AppError && error.fatal;
}
