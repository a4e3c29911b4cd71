// Commands in real containers, by real clients of both protocols: a web server's pod, a file of 100 MB there and back, a forwarded port, a pod that is talked to.
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { type Cluster, clusterLog, startCluster } from "../kit/cluster_process.ts";
import { kubectl, kubectls } from "../kit/kubectl.ts";
import { noPodman } from "../kit/podman.ts";
import { askPort, portForward } from "../kit/port_forward.ts";
import { shared } from "../kit/shared.ts";
import { suite } from "../kit/suite.ts";

const image = "localhost/skerry-hello:1", fileBytes = 100 * 1024 * 1024;
const versions = kubectls(["1.29", "1.33"]), talker = (version: string) => `talker-${version.replace(".", "-")}`;
const talk = "while read line; do echo got $line; done; sleep 3600";
const cluster = shared<Cluster>(
  async () => {
    const made = await startCluster();
    await made.k.ok(`run box --image=${image} --command -- sleep 3600`);
    for (const { version } of versions) {
      await made.k.ok(`run ${talker(version)} --image=${image} -i --restart=Never --attach=false --command -- sh -c '${talk}'`);
    }
    await made.ready(1 + versions.length);
    return made;
  },
  (made) => made.close(),
  clusterLog,
);
const test = cluster.counting(suite<Cluster>("exec in Podman's containers", {
  setup: cluster.setup,
  teardown: cluster.teardown,
  timeoutMs: 110_000,
  skip: noPodman() ?? (kubectls().length === 0 ? "no kubectl" : undefined),
}));
const sha = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

for (const { version, path } of versions) {
  const client = ({ master }: Cluster) => kubectl(path, { kubeconfig: master.kubeconfig, directory: master.directory });

  test(`kubectl ${version} runs commands`, async (cluster) => {
    const { code, out, err } = await client(cluster).run("exec box -- sh -c 'echo out; echo err >&2; exit 7'");
    assert.equal([code, out, err], [7, "out\n", "err\ncommand terminated with exit code 7\n"]);
    assert.is(await client(cluster).ok("exec -i box -- sh -c 'cat; echo read'", { input: "one\ntwo\n" }), "one\ntwo\nread\n");
    assert.match((await client(cluster).run("exec box -- no-such-command")).err, /exit code 127|no such file/);
  });

  test(`kubectl ${version} copies 100 MB there and back`, async (cluster) => {
    const { master } = cluster, there = `${master.directory}/there-${version}`, back = `${master.directory}/back-${version}`;
    writeFileSync(there, randomBytes(fileBytes));
    await client(cluster).ok(`cp ${there} box:/tmp/file`);
    await client(cluster).ok(`cp box:/tmp/file ${back}`);
    assert.is(sha(back), sha(there));
    await client(cluster).ok("exec box -- rm /tmp/file");
  });

  test(`kubectl ${version} forwards a port that only the pod's localhost has, and 50 MB through it`, async (cluster) => {
    const k = client(cluster);
    await k.ok(
      "exec box -- sh -c 'mkdir -p /tmp/www; dd if=/dev/urandom of=/tmp/www/big bs=1M count=50; httpd -p 127.0.0.1:8081 -h /tmp/www >/dev/null 2>&1 </dev/null'",
    );
    const [wanted] = (await k.ok("exec box -- sha256sum /tmp/www/big")).split(" "), forward = await portForward(k, "box", 8081);
    try {
      const bodies = await Promise.all([
        askPort(forward.port, "/big"),
        ...Array.from({ length: 19 }, () => askPort(forward.port, "/none")),
      ]);
      assert.is(createHash("sha256").update(bodies[0]!.body).digest("hex"), wanted);
      assert.equal(bodies.slice(1).map(({ status }) => status), Array(19).fill(404));
    } finally {
      await forward.stop();
      await k.ok("exec box -- sh -c 'killall httpd; rm -r /tmp/www'");
    }
  });

  test(`kubectl ${version} attaches to what runs, and leaves it running`, async (cluster) => {
    const pod = talker(version), { out } = await client(cluster).run(`attach -i ${pod}`, { input: `from ${version}\n`, forMs: 3_000 });
    assert.match(out, `got from ${version}\n`);
    await client(cluster).run("attach box", { forMs: 1_000 });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    for (const { metadata, status } of [await cluster.k.json("get pod box"), await cluster.k.json(`get pod ${pod}`)]) {
      assert.is(status.phase, "Running", metadata.name);
    }
  });

  test(`kubectl ${version} runs a pod for one conversation`, async (cluster) => {
    const pod = `one-${version.replace(".", "-")}`;
    const { code, out } = await client(cluster).run(
      `run ${pod} -i --rm --restart=Never --image=${image} --command -- sh -c 'sleep 2; cat; exit 3'`,
      {
        input: "said\n",
      },
    );
    assert.match(out, /said/);
    assert.is(code, 3);
  });
}
