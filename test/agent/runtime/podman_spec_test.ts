// Pairs of <name>.input.json (a spec) and <name>.output.json (libpod's create request). REWRITE=1 renews the outputs; review the diff.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import * as assert from "uvu/assert";
import { containerCreateRequest, podCreateRequest, usesHostIpc } from "../../../agent/runtime/podman_spec.ts";
import { type ContainerSpec, RuntimeError, type SandboxSpec } from "../../../agent/runtime/runtime.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("podman_spec");
const folder = new URL("./podman_spec/", import.meta.url);
const read = (name: string) => JSON.parse(readFileSync(new URL(name, folder), "utf8"));
type Input = { sandbox: SandboxSpec } | { container: ContainerSpec };
const request = (input: Input) =>
  "sandbox" in input ? podCreateRequest(input.sandbox, "skerry") : containerCreateRequest("0123abcd", input.container, { hostIpc: false });

for (const name of readdirSync(folder).filter((file) => file.endsWith(".input.json")).map((file) => file.replace(".input.json", ""))) {
  test(`the create request of ${name}`, () => {
    const actual = JSON.parse(JSON.stringify(request(read(`${name}.input.json`))));
    if (process.env.REWRITE) writeFileSync(new URL(`${name}.output.json`, folder), `${JSON.stringify(actual, null, 2)}\n`);
    assert.equal(actual, read(`${name}.output.json`));
  });
}

test("the members of a pod with hostIpc take the host's IPC namespace one by one", () => {
  const { sandbox } = read("sandbox_host.input.json") as { sandbox: SandboxSpec };
  const shared = podCreateRequest(sandbox, "skerry").shared_namespaces as string[];
  assert.is(usesHostIpc(shared), true);
  assert.is(usesHostIpc(podCreateRequest({ ...sandbox, hostIpc: false }, "skerry").shared_namespaces as string[]), false);
  const { container } = read("container_minimal.input.json") as { container: ContainerSpec };
  const { ipcns } = containerCreateRequest("0123abcd", container, { hostIpc: true }) as { ipcns?: { nsmode?: string } };
  assert.equal(ipcns, { nsmode: "host" });
});

test("containerCreateRequest() refuses a group without a user", () => {
  const { container } = read("container_minimal.input.json") as { container: ContainerSpec };
  const spec = { ...container, security: { ...container.security, group: 2000 } };
  assert.throws(
    () => containerCreateRequest("0123abcd", spec, { hostIpc: false }),
    (error: unknown) => error instanceof RuntimeError && /runAsUser/.test(error.message),
  );
});
