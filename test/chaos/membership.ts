// Who the members are, asked from outside; and how a dead one is replaced, as README tells it.
import type { MemberView } from "../../master/store/members.ts";
import { runner } from "../../shared/platform/process.ts";
import { eventually } from "../kit/eventually.ts";
import { command } from "../kit/master_process.ts";
import { type ChaosMember, peerAddress } from "./member.ts";

const path = "/skerry/v1/members";

async function membersAt(member: ChaosMember): Promise<readonly MemberView[]> {
  if (!member.isUp) return [];
  return await member.client.ask("GET", path, { timeoutMs: 1_000 }).then(
    ({ status, body }) => status === 200 ? body.members : [],
    () => [],
  );
}

/** Of those that answer and say that they lead, one: after a partition there may be two. */
export async function leaderOf(members: readonly ChaosMember[]): Promise<ChaosMember | undefined> {
  const views = await Promise.all(members.map(membersAt));
  return members.find(({ index }, at) =>
    // Only a leader knows who lags.
    views[at]!.some(({ role, lag, address }) => role === "leader" && lag !== undefined && address === peerAddress(index))
  );
}

/**
 * The directory of `victim` is lost: another member takes its place, under a new id at the same address. One at a time: a second directory that is lost meanwhile
 * may be the last that has what a majority had. @throws Error when it takes too long
 */
export async function replaceMember(members: readonly ChaosMember[], victim: ChaosMember, directory: string): Promise<void> {
  const address = peerAddress(victim.index);
  let attempts = 0;
  const asLeader = async (what: string, act: (leader: ChaosMember, there: MemberView | undefined) => Promise<void>): Promise<void> => {
    await eventually(what, async () => {
      const leader = await leaderOf(members.filter((member) => member !== victim));
      if (!leader) return false;
      await act(leader, (await membersAt(leader)).find((view) => view.address === address));
      return true;
    }, { withinMs: 90_000, everyMs: 300 });
  };
  await victim.loseDirectory();
  await asLeader(`another ${victim.name} is added`, async (leader, there) => {
    if (there) { // the old one, or one whose file nobody has got
      await must(leader, "DELETE", `${path}/${there.id}`);
      throw new Error("who was there is removed only now");
    }
    const file = `${directory}/${victim.name}-${Date.now()}-${++attempts}.json`;
    const [program, args] = command("master/main.ts", "member", "add", "--data-dir", leader.dataDir, "--address", address, "--out", file);
    const { status, stderr } = await runner()([program, ...args], { timeoutMs: 20_000 });
    if (status !== 0) throw new Error(stderr);
    victim.joinWith(file);
  });
  void victim.start();
  await asLeader(`another ${victim.name} has a vote`, async (leader, there) => {
    if (there?.role === "learner") await must(leader, "POST", `${path}/${there.id}/promote`);
    if (there?.role !== "voter") throw new Error(`it is ${there?.role ?? "not there"}`);
  });
}

async function must({ client }: ChaosMember, method: string, url: string): Promise<void> {
  const { status, body } = await client.ask(method, url, { timeoutMs: 10_000 });
  if (status >= 300) throw new Error(`${method} ${url}: ${status} ${body.message}`);
}
