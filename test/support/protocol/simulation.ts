/**
 * Runs the protocol of heads in an order that a seed gives: owners that sleep, die and come back between any two calls,
 * calls that fail before or after they worked or arrive long after, and a topic that others write to. After each step
 * what readers and signers see has to hold; at the end every record has to be one leaf.
 */
import { AppError } from '../../../core/errors.ts';
import { type CommittedHead, parseLedger } from '../../../ingest/kafka/head_record.ts';
import type { Bug } from './bugs.ts';
import { checkEnd, checkHeads, checkReader, Violation } from './invariants.ts';
import { Fenced } from './kafka_model.ts';
import { own } from './owner.ts';
import { produce } from './producer.ts';
import { LOG } from './sequencing.ts';
import { Fault, type Tenure, World } from './world.ts';

/** What happens to Kafka or the store while nobody looks: the next owner has to stop. */
export const DAMAGES = [
  'topic made anew',
  'end of the topic lost',
  'records deleted unread',
  'store rolled back',
  'heads lost',
] as const;
export type Damage = (typeof DAMAGES)[number];

export interface RunOptions {
  seed: number;
  bugs?: readonly Bug[];
  damage?: Damage;
}

export interface RunResult {
  /** What did not hold, or undefined. */
  violation: string | undefined;
  records: number;
  takeovers: number;
  /** How often an owner learned from Kafka that it was one no longer. */
  fenced: number;
  /** Requests that arrived when nobody waited for them any more. */
  late: number;
  steps: number;
  /** What happened, the last first. */
  trace: string[];
}

const STEPS = 260;
const END_STEPS = 2_000;
const OWNERS_MAX = 3;

/** One run. The same options give the same run. */
export function simulate({ seed, bugs = [], damage }: RunOptions): RunResult {
  const run = new Run(new World(seed, new Set(bugs)));
  let violation: string | undefined;
  try {
    run.play(damage);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    violation = error.message;
  }
  const { world } = run;
  return {
    violation,
    records: world.oracle.records.length,
    takeovers: run.tenures,
    fenced: run.fenced,
    late: world.arrived,
    steps: world.tick,
    trace: world.trace.slice(-60),
  };
}

class Run {
  readonly world: World;
  tenures = 0;
  fenced = 0;
  private live: Tenure[] = [];
  private heads: CommittedHead[] = [];
  private signed = 0;
  /** The head after which nothing may be added any more. */
  private frozen: number | undefined;
  private halted: AppError | undefined;

  constructor(world: World) {
    this.world = world;
  }

  play(damage: Damage | undefined): void {
    const { world } = this;
    const records_max = 8 + world.random.below(14);
    for (let produced = 0; world.tick < STEPS; world.tick++) {
      if (produced < records_max && world.random.chance(0.15)) {
        produce(world, produced++);
        continue;
      }
      this.disturb();
      this.step();
      this.look();
    }
    if (damage === undefined) this.finish();
    else this.suffer(damage);
  }

  /** What may happen to owners between two steps. */
  private disturb(): void {
    const { world } = this;
    const { random } = world;
    const awake = this.live.filter(({ asleep_until }) => asleep_until <= world.tick);
    if (this.live.length === 0 || (this.live.length < OWNERS_MAX && random.chance(0.02))) this.arrive();
    else if (random.chance(0.012)) this.kill(random.of(this.live));
    else if (awake.length > 0 && random.chance(0.03)) random.of(awake).asleep_until = world.tick + random.below(80);
    if (random.chance(0.004)) world.coordinator.expire(LOG);
    if (world.late.length > 0 && random.chance(0.05)) world.arrive();
  }

  /** Somebody comes to own the log. Those who had it may have been told, or know nothing of it. */
  private arrive(): Tenure {
    for (const tenure of this.live) tenure.ended ||= this.world.random.chance(0.5);
    const name = `owner ${++this.tenures}`;
    const tenure = { name, ended: false, asleep_until: 0, pending: undefined } as unknown as Tenure;
    tenure.steps = own(this.world, tenure);
    this.live.push(tenure);
    this.world.trace.push(`${this.world.tick} ${name} comes`);
    return tenure;
  }

  /** What it was about to send may have left it. */
  private kill(tenure: Tenure): void {
    this.live = this.live.filter((each) => each !== tenure);
    if (tenure.pending !== undefined && this.world.random.chance(0.5)) this.world.late.push(tenure.pending);
    this.world.trace.push(`${this.world.tick} ${tenure.name} is killed`);
  }

  private step(): void {
    const awake = this.live.filter(({ asleep_until }) => asleep_until <= this.world.tick);
    if (awake.length > 0) this.advance(this.world.random.of(awake));
  }

  private advance(tenure: Tenure): void {
    const gone = (why: string) => {
      this.live = this.live.filter((each) => each !== tenure);
      this.world.trace.push(`${this.world.tick} ${tenure.name} gives up: ${why}`);
    };
    try {
      if (tenure.steps.next().done) gone('it was told to');
    } catch (error) {
      if (error instanceof Fenced) this.fenced++;
      if (error instanceof Fault || error instanceof Fenced) {
        gone(`${error.constructor.name} ${error.message}`);
        return;
      }
      if (!(error instanceof AppError && error.fatal)) throw error;
      gone(`${error.code}: ${error.message}`);
      this.halted = error;
      if (this.frozen === undefined) throw new Violation(`halted without cause: ${error.code}, ${error.message}`);
    }
  }

  /** Readers and the signer, at any time. */
  private look(): void {
    const { world } = this;
    const visible = world.ledger.read(0).flatMap(({ value }) => {
      const record = parseLedger(value);
      return record?.kind === 'head' ? [record.head] : [];
    });
    if (this.frozen !== undefined) {
      const added = visible.find(({ size }) => size > (this.frozen ?? 0));
      if (added !== undefined) throw new Violation(`went on to ${added.size} records over what is damaged`);
      return;
    }
    world.oracle.follow(world.events.read(0));
    checkHeads(world, this.heads, visible);
    this.heads = visible;
    if (world.random.chance(0.3)) checkReader(world, visible.at(-1)?.size ?? 0);
    this.sign(visible);
  }

  /** A signer that takes the newest head, and never a smaller one than before. */
  private sign(visible: readonly CommittedHead[]): void {
    const newest = visible.at(-1);
    if (newest === undefined || newest.size <= this.signed || !this.world.random.chance(0.1)) return;
    this.signed = newest.size;
    const note = JSON.stringify({ kind: 'checkpoint', log: LOG, size: newest.size, note: 'signed' });
    this.world.ledger.append(note, 0);
  }

  /** Everybody dies, one owner comes and is left alone; then arrives what was still on its way, and one more comes. */
  private finish(): void {
    const { world } = this;
    for (const tenure of [...this.live]) this.kill(tenure);
    world.coordinator.expire(LOG);
    this.runAlone();
    checkEnd(world, this.heads.at(-1), this.signed);
    while (world.late.length > 0) world.arrive();
    checkEnd(world, this.heads.at(-1), this.signed);
    this.runAlone();
    checkEnd(world, this.heads.at(-1), this.signed);
  }

  private runAlone(): void {
    const { world } = this;
    const { fault_rate } = world;
    world.fault_rate = 0;
    const tenure = this.arrive();
    const end = world.tick + END_STEPS;
    const isDone = () => this.heads.at(-1)?.next_offset === world.events.next && world.store.head !== undefined;
    for (let rest = 40; world.tick < end && rest > 0; world.tick++) {
      if (isDone()) rest--;
      if (!this.live.includes(tenure)) {
        if (this.frozen !== undefined) break;
        throw new Violation(`${tenure.name} was alone and undisturbed, and gave up`);
      }
      this.advance(tenure);
      this.look();
    }
    if (this.live.includes(tenure)) this.kill(tenure);
    world.late = [];
    world.fault_rate = fault_rate;
  }

  private suffer(damage: Damage): void {
    const { world } = this;
    for (const tenure of [...this.live]) this.kill(tenure);
    while (world.late.length > 0) world.arrive();
    this.runAlone();
    const head = this.heads.at(-1);
    // Only what a log was made of can be missed by it.
    if (head === undefined || head.size < 3) return;
    this.frozen = head.size;
    harm(world, damage, head);
    for (let i = 0; i < 3; i++) this.runAlone();
    if (this.halted === undefined) throw new Violation(`${damage}, and nobody stopped`);
  }
}

function harm(world: World, damage: Damage, head: CommittedHead): void {
  const { events, store, ledger, random } = world;
  world.trace.push(`${world.tick} ${damage}`);
  if (damage === 'store rolled back') store.rollBack(1 + random.below(head.size - 1));
  else if (damage === 'heads lost') ledger.entries = [];
  else if (damage === 'records deleted unread') {
    while (events.next <= head.next_offset + 2) produce(world, 500 + events.next, true);
    events.entries.splice(0, head.next_offset + 1 - events.low);
    events.low = head.next_offset + 1;
  } else {
    // An end without a record of the log is missed by nobody here: what stood there was sent on long ago.
    const last = world.oracle.records[head.size - 1]?.offset ?? 0;
    const kept = damage === 'topic made anew' ? 0 : Math.max(0, last - random.below(3));
    events.entries.splice(kept - events.low);
    const records = random.below(2 * head.next_offset);
    for (let i = 0; i < records; i++) produce(world, 1_000 + i, true);
  }
}
