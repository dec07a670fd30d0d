/** Mistakes that can be made in the protocol of heads. The simulation has to find each of them. */
export const BUGS = {
  head_read_before_fencing: 'the head is read before earlier owners are shut out',
  head_outside_transaction: 'the head is sent without a transaction',
  head_before_rows: 'the head and the offset are committed before the rows are stored',
  store_head_first: 'readers get the head before it is committed',
  uncommitted_heads_read: 'heads of transactions that were given up count',
  seek_to_zero: 'where the source does not agree, the log begins again at its first record',
  tail_not_compared: 'the last records are not compared with the source',
  place_not_checked: 'nobody looks whether the source still has the place where the log goes on',
  hint_trusted: 'the log goes on where the group says, not where its head says',
  skipped_not_asked: 'records that the group has skipped are not asked for',
  old_messages_taken: 'messages before the position are taken again',
  doubt_is_failure: 'a commit without an answer counts as one that failed, and is made again',
  doubt_is_success: 'a commit without an answer counts as one that was made',
  rows_removed_at_takeover: 'whoever comes removes all rows above the head it knows',
  random_salts: 'each owner draws its own salts',
  clock_of_the_worker: 'arrival is the time of the worker and not that of the broker',
  clock_of_moved_records: 'records of other partitions move the clock, and the head does not keep it',
  moves_outside_transaction: 'records of other partitions are sent on before the place behind them is committed',
  rows_not_awaited: 'the head is committed when the first table is stored',
  session_not_rebuilt: 'the links of sessions come from rows above the head too',
  horizon_not_loaded: 'ids are not known any more after a change of owners',
  fault_of_the_shut_out: 'an owner that was shut out believes what it sees and halts the log',
} as const;

export type Bug = keyof typeof BUGS;
