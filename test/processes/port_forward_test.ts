// Ports of pods, forwarded by real clients of both protocols through a master, a broker and an agent that are processes of their own. Only the containers pretend.
import { randomBytes } from "node:crypto";
import net from "node:net";
import * as assert from "uvu/assert";
import { type Cluster, clusterLog, startCluster } from "../kit/cluster_process.ts";
import { eventually } from "../kit/eventually.ts";
import { kubectl, kubectls } from "../kit/kubectl.ts";
import { askPort, portForward } from "../kit/port_forward.ts";
import { shared } from "../kit/shared.ts";
import { suite } from "../kit/suite.ts";

const clients = kubectls(["1.27", "1.29", "1.31", "1.33"]), forwardedBytes = 50_000_000;
const cluster = shared<Cluster>(
  async () => {
    const made = await startCluster({ agent: { runtime: "emulated" } });
    await made.k.ok("create deployment web --image=registry.example/web:1");
    await made.k.ok("expose deployment web --port=80 --target-port=8080");
    await made.k.ok("run idle --image=registry.example/idle:1 --command -- sleep 3600");
    await made.ready(2);
    return made;
  },
  (made) => made.close(),
  clusterLog,
);
const test = cluster.counting(suite<Cluster>("port-forward", {
  setup: cluster.setup,
  teardown: cluster.teardown,
  timeoutMs: 100_000,
  skip: clients.length === 0 ? "no kubectl" : undefined,
}));

for (const { version, path } of clients) {
  const client = ({ master }: Cluster) => kubectl(path, { kubeconfig: master.kubeconfig, directory: master.directory });

  test(`kubectl ${version} forwards to pods, by way of Deployment and Service, too, and many connections at once`, async (cluster) => {
    for (const [target, port] of [["deploy/web", 8080], ["svc/web", 80]] as const) {
      const forward = await portForward(client(cluster), target, port);
      try {
        const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => askPort(forward.port, `/${i}`)));
        answers.forEach(({ status, body }, i) => {
          assert.is(status, 200);
          assert.match(body.toString(), new RegExp(`^Hello from pod web-[^:]+: GET /${i}\n$`));
        });
      } finally {
        await forward.stop();
      }
    }
  });

  test(`kubectl ${version} forwards 50 MB there and back`, async (cluster) => {
    const forward = await portForward(client(cluster), "deploy/web", 8080), sent = randomBytes(forwardedBytes);
    try {
      const from = performance.now(), { body } = await askPort(forward.port, "/", sent);
      console.log(`measured: 50 MB there and back in ${Math.round(performance.now() - from)} ms`);
      assert.ok(body.equals(sent), `${body.length} of ${sent.length} bytes`);
    } finally {
      await forward.stop();
    }
  });

  test(`kubectl ${version} is told when nobody listens`, async (cluster) => {
    const forward = await portForward(client(cluster), "pod/idle", 8080);
    try {
      await askPort(forward.port, "/").then(() => assert.unreachable(), () => {});
      const said =
        /an error occurred forwarding \d+ -> 8080: error forwarding port 8080 to pod idle, uid [-0-9a-f]+: dial tcp4 127.0.0.1:8080: connect: connection refused/;
      await eventually("kubectl says so", () => said.test(forward.out()) || Promise.reject(new Error(forward.out())));
    } finally {
      await forward.stop();
    }
  });

  test(`kubectl ${version} leaves the connection that reads nothing, and no other, waiting`, async (cluster) => {
    const forward = await portForward(client(cluster), "deploy/web", 8080);
    try {
      const slow = net.connect(forward.port, "127.0.0.1"); // sends, and never reads what comes back
      slow.on("error", () => {});
      slow.pause();
      slow.write(`PUT / HTTP/1.1\r\nhost: web\r\ncontent-length: 100000\r\n\r\n`);
      slow.write(new Uint8Array(100_000));
      assert.is((await askPort(forward.port, "/beside")).status, 200);
      slow.destroy();
      assert.is((await askPort(forward.port, "/after")).status, 200);
    } finally {
      await forward.stop();
    }
  });
}
