/** What has to be closed when the demo ends, however it ends: the last opened first. */

export interface Closing {
  add(close: () => unknown): void;
  /** Closes everything once. What fails does not keep the rest open. */
  close(): Promise<void>;
}

export function createClosing(): Closing {
  const open: (() => unknown)[] = [];
  return {
    add: (close) => void open.push(close),
    async close() {
      for (let last = open.pop(); last !== undefined; last = open.pop()) {
        try {
          await last();
        } catch {
          // The demo is over; what could not be closed ends with the process.
        }
      }
    },
  };
}
