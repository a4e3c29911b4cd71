// A program in a real container that finds its own token, as clients of the API do, and calls the API with it.
import { realpathSync } from "node:fs";
import { dirname } from "node:path";
import * as assert from "uvu/assert";
import { type Cluster, clusterLog, startCluster } from "../kit/cluster_process.ts";
import { kubectls } from "../kit/kubectl.ts";
import { root } from "../kit/master_process.ts";
import { noPodman } from "../kit/podman.ts";
import { shared } from "../kit/shared.ts";
import { suite } from "../kit/suite.ts";

const cluster = shared<Cluster>(startCluster, (made) => made.close(), clusterLog);
const test = cluster.counting(suite<Cluster>("a token in Podman's containers", {
  setup: cluster.setup,
  teardown: cluster.teardown,
  timeoutMs: 100_000,
  skip: noPodman() ?? (kubectls().length === 0 ? "no kubectl" : undefined),
}));
const at = "/var/run/secrets/kubernetes.io/serviceaccount";
/** The image has no client that speaks our TLS: the machine's own Node does, with the machine's libraries. */
const borrowed = [["node", dirname(realpathSync(`${root}/node_modules/.bin/node`)), "/node"], ["lib", "/lib", "/lib"], [
  "lib64",
  "/lib64",
  "/lib64",
]];
/** As clients of the API find who they are and whom to trust. Prints status and body. */
const client = `
const fs = require("fs"), at = "${at}", ca = fs.readFileSync(at + "/ca.crt"), [url] = process.argv.slice(1);
const headers = { authorization: "Bearer " + fs.readFileSync(at + "/token") };
require("https").get(url, { ca, headers }, (response) => { console.log(response.statusCode); response.pipe(process.stdout); });
`;

test("a container calls the API as its account, which may read what a role says", async ({ k, ready, master }) => {
  await k.ok("create serviceaccount reader");
  await k.ok("create rolebinding reader --clusterrole=view --serviceaccount=default:reader");
  const container = {
    name: "main",
    image: "localhost/skerry-hello:1",
    command: ["sleep", "3600"],
    securityContext: { runAsUser: 1000 },
    volumeMounts: borrowed.map(([name, , mountPath]) => ({ name, mountPath, readOnly: true })),
  };
  const volumes = borrowed.map(([name, path]) => ({ name, hostPath: { path } }));
  // The master of the test listens on the machine's own loopback alone.
  const pod = (name: string, serviceAccountName: string) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: { serviceAccountName, hostNetwork: true, containers: [container], volumes },
  });
  const items = [pod("reads", "reader"), pod("does-not", "default")];
  await k.ok("apply -f -", { input: JSON.stringify({ apiVersion: "v1", kind: "List", items }) });
  await ready(2);
  assert.match(await k.ok(`exec reads -- stat -L -c '%a %u' ${at}/token`), /^600 1000$/m);
  assert.is(await k.ok(`exec reads -- cat ${at}/namespace`), "default");
  assert.match(await k.ok("exec reads -- env"), /^KUBERNETES_SERVICE_HOST=[\d.]+$/m);

  const url = `https://127.0.0.1:${master.port}/api/v1/namespaces/default/pods/reads`;
  const ask = (pod: string) => k.ok(`exec ${pod} -- /node/node -e '${client}' ${url}`);
  assert.match(await ask("reads"), /^200\n.*"kind":"Pod".*"name":"reads"/);
  assert.match(await ask("does-not"), /^403\n.*User \\"system:serviceaccount:default:default\\" cannot get resource/);
});
