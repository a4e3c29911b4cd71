// The bare thing beside the store: a file written in advance, as the store's log is, so that fdatasync has no size to record; a write and an fdatasync a record.
import fs from "node:fs";
import { promisify } from "node:util";

const write = promisify(fs.write), fdatasync = promisify(fs.fdatasync), close = promisify(fs.close);
const sizeBytes = 64 * 1024 * 1024;

export class BareLog {
  readonly #descriptor: number;
  readonly #record = new Uint8Array(1024 * 1024).fill(0x62);
  #position = 0;

  private constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }
  static async open(path: string): Promise<BareLog> {
    const descriptor = fs.openSync(path, "w"), zeros = new Uint8Array(1024 * 1024);
    for (let position = 0; position < sizeBytes; position += zeros.length) fs.writeSync(descriptor, zeros, 0, zeros.length, position);
    await promisify(fs.fsync)(descriptor);
    return new BareLog(descriptor);
  }
  /** Durable when it resolves. At most 1 MiB. */
  async append(bytes: number): Promise<void> {
    if (this.#position + bytes > sizeBytes) this.#position = 0;
    await write(this.#descriptor, this.#record, 0, bytes, this.#position);
    await fdatasync(this.#descriptor);
    this.#position += bytes;
  }
  close(): Promise<void> {
    return close(this.#descriptor);
  }
}

/** µs that a call takes. */
export async function timed(call: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await call();
  return (performance.now() - started) * 1000;
}
