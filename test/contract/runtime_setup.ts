// A container engine under a contract: what has to be known of it, and pods to try it with.
import { join } from "node:path";
import type { ActualContainer, ContainerRuntime, ContainerSpec, RuntimeError, SandboxSpec } from "../../agent/runtime/runtime.ts";
import { rejects } from "../kit/suite.ts";

export interface RuntimeUnderTest {
  readonly runtime: ContainerRuntime;
  /** A directory for logs. */
  readonly directory: string;
  /** An image that is there, whose own command serves until SIGTERM and then ends with 0. */
  readonly image: string;
  /** An image that cannot be pulled, and what the error then says. */
  readonly missing: { readonly image: string; readonly words: string };
  /** A fresh address of the pod network. */
  address(): string;
  /** The engine as an agent finds it that has just been restarted. */
  reopen(): Promise<ContainerRuntime>;
}
/** Command that cannot be run in `image`; the emulated engine is told so. */
export const missingCommand = "/does/not/exist";

let pods = 0;
export function sandboxSpec(on: RuntimeUnderTest, more: Partial<SandboxSpec> = {}): SandboxSpec {
  const number = ++pods;
  return {
    podUid: `${String(number).padStart(8, "0")}-aaaa-4bbb-8ccc-dddddddddddd`,
    podNamespace: "default",
    podName: `web-${number}`,
    specHash: "h1:sandbox",
    hostname: `web-${number}`,
    hostNetwork: false,
    hostPid: false,
    hostIpc: false,
    shareProcessNamespace: false,
    address: on.address(),
    dns: { servers: ["169.254.20.10"], searches: ["default.svc.cluster.local"], options: ["ndots:5"] },
    hostAliases: [],
    ports: [],
    sysctls: {},
    ...more,
  };
}

export function containerSpec(on: RuntimeUnderTest, sandbox: SandboxSpec, more: Partial<ContainerSpec> = {}): ContainerSpec {
  const { podUid, podNamespace, podName } = sandbox;
  const container = more.container ?? "main", attempt = more.attempt ?? 0;
  return {
    podUid,
    podNamespace,
    podName,
    specHash: "h1:container",
    container,
    attempt,
    image: on.image,
    command: undefined,
    args: undefined,
    env: {},
    workingDir: undefined,
    mounts: [],
    stdin: false,
    tty: false,
    stopTimeoutSeconds: 2,
    resources: {},
    oomScoreAdj: 0,
    security: {
      supplementalGroups: [],
      privileged: false,
      readOnlyRoot: false,
      noNewPrivileges: false,
      addCapabilities: [],
      dropCapabilities: [],
    },
    logPath: join(on.directory, `${podUid}-${container}-${attempt}.log`),
    ...more,
  };
}
export const sh = (script: string): Pick<ContainerSpec, "command"> => ({ command: ["sh", "-c", script] });

export async function readySandbox(on: RuntimeUnderTest, more: Partial<SandboxSpec> = {}): Promise<{ id: string; spec: SandboxSpec }> {
  const spec = sandboxSpec(on, more);
  const { id } = await on.runtime.createSandbox(spec);
  await on.runtime.startSandbox(id);
  return { id, spec };
}
export async function runContainer(
  on: RuntimeUnderTest,
  sandbox: { id: string; spec: SandboxSpec },
  more: Partial<ContainerSpec> = {},
): Promise<string> {
  const { id } = await on.runtime.createContainer(sandbox.id, containerSpec(on, sandbox.spec, more));
  await on.runtime.startContainer(id);
  return id;
}
/** Looks until the container is in that state. */
export async function containerIn(on: RuntimeUnderTest, id: string, state: ActualContainer["state"]): Promise<ActualContainer> {
  for (let look = 0; look < 200; look++) {
    const found = (await on.runtime.observe()).containers.find((container) => container.id === id);
    if (found?.state === state) return found;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`container ${id} has not become ${state}`);
}
export const reasonOf = async (work: Promise<unknown>): Promise<string> => (await rejects(work) as RuntimeError).reason;
