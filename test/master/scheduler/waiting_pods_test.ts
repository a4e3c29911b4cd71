import * as assert from "uvu/assert";
import type { Pod } from "../../../shared/api/kinds/pod.ts";
import { HandCrankedClock } from "../../../shared/util/clock.ts";
import type { Stored } from "../../../master/registry/face.ts";
import { WaitingPods } from "../../../master/scheduler/waiting_pods.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("WaitingPods", {
  setup() {
    const clock = new HandCrankedClock();
    return { clock, waiting: new WaitingPods(clock) };
  },
});
const pod = (uid: string, priority = 0, generation = 1): Stored<Pod> =>
  ({ uid, object: { metadata: { generation }, spec: { priority } } }) as never;
/** uids of all that can be taken now. */
async function all(waiting: WaitingPods): Promise<string> {
  const taken: string[] = [];
  for (let done = false; !done;) {
    done = true;
    void waiting.take().then((next) => {
      if (!next) return;
      taken.push(next.uid);
      done = false;
    });
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return taken.join(" ");
}

test("take() gives the highest priority first, and equals in the order they came", async ({ waiting }) => {
  for (const [uid, priority] of [["a", 0], ["b", 5], ["c", 0], ["d", 5]] as const) waiting.add(pod(uid, priority));
  assert.is(await all(waiting), "b d a c");
});

test("take() waits for the next one, and gives a pod once", async ({ waiting }) => {
  const taken = waiting.take();
  waiting.add(pod("a"));
  assert.is((await taken)!.uid, "a");
  waiting.add(pod("b"));
  waiting.add(pod("b"));
  assert.is(await all(waiting), "b");
});

test("a parked pod stays parked when only its status changes", async ({ waiting }) => {
  waiting.park(pod("a"));
  waiting.add(pod("a"));
  assert.is(await all(waiting), "");
});

test("a parked pod is looked at again when it changes itself, or may fit", async ({ waiting }) => {
  for (const uid of ["a", "b", "c"]) waiting.park(pod(uid));
  waiting.add(pod("a", 0, 2));
  waiting.unpark(({ uid }) => uid === "b");
  assert.is(await all(waiting), "a b");
});

test("addAfter() keeps a pod back for a while, whatever is heard of it", async ({ waiting, clock }) => {
  waiting.addAfter(pod("a"), 100);
  waiting.add(pod("a"));
  assert.is(await all(waiting), "");
  clock.advance(99);
  const taken = waiting.take();
  clock.advance(1);
  assert.is((await taken)!.uid, "a");
  clock.advance(1000);
  assert.is(await all(waiting), "");
});

test("remove() forgets a pod wherever it is", async ({ waiting, clock }) => {
  waiting.add(pod("a"));
  waiting.park(pod("b"));
  waiting.addAfter(pod("c"), 10);
  for (const uid of ["a", "b", "c"]) waiting.remove(uid);
  clock.advance(10);
  waiting.unpark(() => true);
  assert.is(await all(waiting), "");
});

test("close() ends the waiting", async ({ waiting }) => {
  const taken = waiting.take();
  waiting.close();
  assert.is(await taken, undefined);
  waiting.add(pod("a"));
  assert.is(await waiting.take(), undefined);
});
