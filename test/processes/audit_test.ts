// The audit log of a real master: what kubectl does is in it, what it must not have is not, and a disk that takes nothing stops nobody.
import { readFile, writeFile } from "node:fs/promises";
import * as assert from "uvu/assert";
import { eventually } from "../kit/eventually.ts";
import { kubectl, kubectls } from "../kit/kubectl.ts";
import { withMaster } from "../kit/master_process.ts";
import { suite } from "../kit/suite.ts";
import { removeTestDirectory, testDirectory } from "../kit/test_directory.ts";

const test = suite<{ readonly directory: string }>("the audit log of a master", {
  setup: () => ({ directory: testDirectory("audit") }),
  teardown: ({ directory }) => removeTestDirectory(directory),
  timeoutMs: 120_000,
  skip: kubectls().length === 0 ? "no kubectl" : undefined,
});

test("what kubectl does is in it, line by line, and no secret", async ({ directory }) => {
  const path = `${directory}/audit.log`, policy = `${directory}/policy.yaml`;
  await writeFile(
    policy,
    `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, users: [system:anonymous]}
- {level: RequestResponse, namespaces: [default]}
- {level: None}
`,
  );
  await withMaster(async (master) => {
    const k = kubectl(kubectls().at(-1)!.path, master);
    // deno-lint-ignore no-explicit-any
    const lines = async (): Promise<any[]> => (await readFile(path, "utf8")).trim().split("\n").map((line) => JSON.parse(line));
    const line = (verb: string, resource: string, stage = "ResponseComplete") =>
      eventually(
        `${verb} ${resource}`,
        async () => (await lines()).find((one) => one.verb === verb && one.objectRef.resource === resource && one.stage === stage),
      );
    await k.ok("create configmap one --from-literal=a=b");
    const made = await line("create", "configmaps");
    assert.equal([made.user.username, made.objectRef.namespace, made.responseStatus.code, made.sourceIPs], [
      "skerry-admin",
      "default",
      201,
      [
        "127.0.0.1",
      ],
    ]);
    assert.match(made.userAgent, /^kubectl.* kubernetes\/[0-9a-f]+$/);
    assert.equal([made.requestObject.data, made.responseObject.data], [{ a: "b" }, { a: "b" }]);
    await k.ok("create secret generic two --from-literal=password=hunter2");
    await k.ok("get secret two -o yaml");
    await k.ok("create token default");
    assert.is((await line("create", "secrets")).level, "Metadata");
    assert.is((await line("create", "serviceaccounts")).objectRef.subresource, "token");
    const refused = await k.run("delete configmap one --as=nobody");
    assert.is(refused.code, 1);
    const line403 = await line("delete", "configmaps");
    assert.equal([line403.impersonatedUser.username, line403.responseStatus.code, line403.responseStatus.reason], [
      "nobody",
      403,
      "Forbidden",
    ]);

    const watch = k.follow("get configmaps -w");
    const begun = await line("watch", "configmaps", "ResponseStarted");
    assert.is((await lines()).some(({ auditID, stage }) => auditID === begun.auditID && stage === "ResponseComplete"), false);
    await watch.stop();
    assert.is((await line("watch", "configmaps")).auditID, begun.auditID);
    assert.not.match(await readFile(path, "utf8"), /hunter2|aHVudGVyMg|eyJhbGciOi/);
  }, { args: ["--audit-log", path, "--audit-policy", policy] });
});

test("a disk that is full stops nobody, and is told of", () =>
  withMaster(async (master) => {
    const k = kubectl(kubectls().at(-1)!.path, master);
    for (const name of ["one", "two", "three"]) await k.ok(`create configmap ${name}`);
    await eventually("lost lines are counted", async () => {
      const lost = /^apiserver_audit_error_total\{plugin="log"\} (\d+)/m.exec(await k.ok("get --raw /metrics"))?.[1];
      return Number(lost) >= 3;
    });
    assert.match(master.log(), /"level":"error","message":"Lines of the audit log are lost".*ENOSPC/);
  }, { args: ["--audit-log", "/dev/full"] }));

test("a policy that cannot be used is said, and nothing is started", async ({ directory }) => {
  const policy = `${directory}/policy.yaml`;
  await writeFile(policy, "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: All}]\n");
  const error = await withMaster(() => Promise.resolve(), { args: ["--audit-log", "-", "--audit-policy", policy] }).then(
    () => "it began",
    String,
  );
  assert.match(error, /Cannot use --audit-policy .*policy\.yaml: rules\.0\.level: Invalid type: Expected/);
});
