import * as assert from "uvu/assert";
import { PendingReads } from "../../../master/store/pending_reads.ts";
import { proposalTimeoutMs } from "../../../shared/limits.ts";
import { HandCrankedClock } from "../../../shared/util/clock.ts";
import { suite } from "../../kit/suite.ts";

const retryMs = 1_000;
const test = suite("PendingReads", {
  setup: () => {
    const clock = new HandCrankedClock();
    return { clock, reads: new PendingReads(clock, 7) };
  },
});
const outcome = (read: Promise<number>): Promise<unknown> => read.catch(({ reason, message }) => `${reason}: ${message}`);

test("applied() settles what is confirmed, as soon as this member shows it", async ({ reads }) => {
  const read = reads.wait();
  reads.answered(reads.ask()!, 5);
  reads.applied(4);
  reads.expire(retryMs);
  reads.applied(5);
  assert.is(await read, 5);
});

test("expire() asks again under another context, and ends what no leader confirms", async ({ clock, reads }) => {
  const read = outcome(reads.wait()), first = reads.ask()!;
  clock.advance(retryMs);
  reads.expire(retryMs);
  assert.is.not(reads.ask(), first);
  clock.advance(proposalTimeoutMs);
  reads.expire(retryMs);
  assert.is(await read, `NoQuorum: Cannot read: no leader confirmed the read within ${proposalTimeoutMs} ms`);
});

test("expire() ends what is confirmed, and what this member does not come to show", async ({ clock, reads }) => {
  const read = outcome(reads.wait());
  reads.answered(reads.ask()!, 5);
  clock.advance(proposalTimeoutMs - 1);
  reads.expire(retryMs);
  const later = reads.wait();
  reads.answered(reads.ask()!, 5);
  clock.advance(1);
  reads.expire(retryMs);
  assert.is(await read, `NoQuorum: Cannot read: this member has not come as far as entry 5 within ${proposalTimeoutMs} ms`);
  reads.applied(5);
  assert.is(await later, 5);
});
