/** Reads a stream of row pages one row at a time, with a look at the next. */
export class Cursor<T> {
  private readonly pages: AsyncIterator<T[]> | undefined;
  private page: T[] = [];
  private at = 0;

  constructor(pages: AsyncIterable<T[]> | undefined) {
    this.pages = pages?.[Symbol.asyncIterator]();
  }

  /** The next row without taking it, or undefined at the end. */
  async peek(): Promise<T | undefined> {
    while (this.at >= this.page.length) {
      const next = await this.pages?.next();
      if (next === undefined || next.done) return undefined;
      this.page = next.value;
      this.at = 0;
    }
    return this.page[this.at];
  }

  async next(): Promise<T | undefined> {
    const row = this.at < this.page.length ? this.page[this.at] : await this.peek();
    if (row !== undefined) this.at++;
    return row;
  }

  /** Ends the stream early. */
  async close(): Promise<void> {
    await this.pages?.return?.();
  }
}
