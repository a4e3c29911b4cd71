// plan() as pairs of files: a situation and the steps it leads to. `--rewrite` renews the outputs (test/agent/pods/plan_test.ts run by hand); the diff is reviewed.
//
// Of an input: `pod` is a Pod as the set has it, or null (it is not in the set). Everything else may be left out. `seconds` are counted from the moment of the plan;
// hash "=" is the wanted one. `images` names what is there; `notBefore` images that must not be asked for yet.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { parse, stringify } from "yaml";
import { desiredPod } from "../../../agent/pods/desired.ts";
import { learn, type PodMemory } from "../../../agent/pods/memory.ts";
import { plan, type Trouble } from "../../../agent/pods/plan.ts";
import type { ProbeResults } from "../../../agent/probes/probe.ts";
import type { ActualContainer, ActualSandbox } from "../../../agent/runtime/runtime.ts";
import type { Rendered } from "../../../shared/wire/desired.ts";
import { suite } from "../../kit/suite.ts";

const directory = fileURLToPath(new URL("plan/", import.meta.url));
const now = Date.parse("2026-01-01T12:00:00Z");
const ago = (seconds: number | undefined) => seconds === undefined ? undefined : now - seconds * 1000;

interface Input {
  pod: Rendered | null;
  sandbox?: { state?: string; hash?: string };
  containers?: {
    name: string;
    attempt?: number;
    state: ActualContainer["state"];
    hash?: string;
    exitCode?: number;
    startedAgo?: number;
    endedAgo?: number;
    error?: string;
  }[];
  images?: string[];
  notBefore?: Record<string, number>;
  memory?: Partial<PodMemory> & { startedAgo?: number; crashes?: Record<string, number> };
  troubles?: Record<string, { ago: number; delay: number }>;
  pulled?: Record<string, number>;
  probes?: Record<string, ProbeResults>;
}

function run(input: Input): unknown {
  const pod = input.pod ? desiredPod(input.pod) : undefined;
  const identity = { podUid: pod?.uid ?? "uid-web", podNamespace: "default", podName: "web" };
  const sandboxes = input.sandbox
    ? [{
      ...identity,
      id: "sandbox-1",
      state: input.sandbox.state ?? "ready",
      specHash: input.sandbox.hash ?? pod?.sandboxHash ?? "",
      address: "10.201.1.7",
      createdAt: 0,
    } as ActualSandbox]
    : [];
  const containers = (input.containers ?? []).map((
    { name, attempt = 0, state, hash = "=", exitCode, startedAgo, endedAgo, error },
  ): ActualContainer => ({
    ...identity,
    specHash: hash === "=" ? pod?.hashes.get(name) ?? "" : hash,
    id: `${name}-${attempt}`,
    container: name,
    attempt,
    state,
    imageRef: "web:1",
    imageId: "sha",
    pid: undefined,
    startedAt: ago(startedAgo ?? endedAgo),
    finishedAt: ago(endedAgo),
    exitCode: state === "exited" ? exitCode ?? 0 : undefined,
    oomKilled: false,
    error,
  }));
  const { startedAgo = 60, crashes = {}, ...rest } = input.memory ?? {};
  const before: PodMemory = {
    uid: identity.podUid,
    namespace: "default",
    name: "web",
    startTime: ago(startedAgo)!,
    containers: {},
    ...rest,
  };
  const learnt = learn(before, containers, () => undefined);
  const counted = Object.entries(crashes).map(([name, count]) => [
    name,
    { attempt: 0, ...learnt.containers[name], crashes: { count, specHash: pod?.hashes.get(name) ?? "" } },
  ]);
  const memory: PodMemory = { ...learnt, containers: { ...learnt.containers, ...Object.fromEntries(counted) } };
  const troubles = Object.entries(input.troubles ?? {}).map(([key, { ago: seconds, delay }]): [string, Trouble] => [
    key,
    { reason: "", message: "", failures: 1, at: ago(seconds)!, delayMs: delay * 1000 },
  ]);
  const { steps, lookAgainAt } = plan(
    pod,
    { sandboxes, containers },
    {
      has: (image) => (input.images ?? ["web:1"]).includes(image),
      notBefore: (image) => input.notBefore?.[image] === undefined ? undefined : now + input.notBefore[image]! * 1000,
    },
    memory,
    {
      troubles: new Map(troubles),
      pulled: new Map(Object.entries(input.pulled ?? {})),
      probes: new Map(Object.entries(input.probes ?? {})),
    },
    now,
  );
  return { steps, ...(lookAgainAt !== undefined && { lookAgainInSeconds: (lookAgainAt - now) / 1000 }) };
}

const test = suite("plan");

for (const name of readdirSync(directory).filter((name) => name.endsWith(".input.yaml")).sort()) {
  const text = readFileSync(directory + name, "utf8"), outputPath = directory + name.replace(".input.", ".output.");
  const about = /^# (.*)/.exec(text)?.[1] ?? name;
  test(about, () => {
    const output = stringify(run(parse(text)), { lineWidth: 0 });
    if (process.argv.includes("--rewrite")) writeFileSync(outputPath, output);
    assert.equal(output, readFileSync(outputPath, "utf8"));
  });
}
