// kubectl exec -it and debug -it as a person uses them: a terminal on this side, a shell in a real container on the other.
import process from "node:process";
import * as assert from "uvu/assert";
import { type Cluster, clusterLog, startCluster } from "../kit/cluster_process.ts";
import { kubectls } from "../kit/kubectl.ts";
import { noPodman } from "../kit/podman.ts";
import { shared } from "../kit/shared.ts";
import { suite } from "../kit/suite.ts";
import { terminal } from "../kit/terminal.ts";

/** Of busybox, which asks where the cursor is. */
// deno-lint-ignore no-control-regex
const prompt = /# (\x1b\[\w+)?$/;
const image = "localhost/skerry-hello:1", versions = kubectls(["1.29", "1.33"]);
const cluster = shared<Cluster>(
  async () => {
    const made = await startCluster();
    await made.k.ok(`run box --image=${image} --command -- sleep 3600`);
    await made.ready(1);
    return made;
  },
  (made) => made.close(),
  clusterLog,
);
const test = cluster.counting(suite<Cluster>("terminals", {
  setup: cluster.setup,
  teardown: cluster.teardown,
  timeoutMs: 110_000,
  skip: noPodman() ?? (versions.length === 0 ? "no kubectl" : undefined),
}));

for (const { version, path } of versions) {
  const open = ({ master }: Cluster, ...words: string[]) =>
    terminal(path, ["--kubeconfig", master.kubeconfig, "--cache-dir", `${master.directory}/cache`, ...words], {
      PATH: process.env.PATH ?? "",
      HOME: master.directory,
    });

  test(`kubectl ${version} exec -it: the shell sees its terminal's size, Ctrl-C, and what is typed; its exit code comes back`, async (cluster) => {
    const shell = open(cluster, "exec", "-it", "box", "--", "sh");
    try {
      await shell.sees(prompt);
      shell.type("echo size $(stty size).\r");
      await shell.sees(/size 24 80\.\r\n/);
      shell.resize(120, 40);
      shell.type("until stty size | grep -q '40 120'; do sleep 0.1; done; echo it' is'\r"); // the size comes by another channel
      await shell.sees(/it is\r\n/);
      shell.type("sleep 1000\r");
      await shell.sees(/sleep 1000\r\n/);
      // Just when the shell hands its terminal over, what is typed is lost: so a person does it again.
      const again = setInterval(() => shell.type("\x03"), 1_000);
      await shell.sees(/\^C/).finally(() => clearInterval(again));
      shell.type("exit 5\r");
      assert.is(await shell.ended, 5);
    } finally {
      shell.close();
    }
  });

  test(`kubectl ${version} debug -it: a container beside those that run, in their network`, async (cluster) => {
    const shell = open(cluster, "debug", "-it", "box", `--image=${image}`, "--", "sh");
    try {
      await shell.sees(/command prompt/);
      shell.type("\recho beside $(hostname).\r");
      await shell.sees(/beside box\.\r\n/);
      shell.type("exit\r");
      assert.is(await shell.ended, 0);
    } finally {
      shell.close();
    }
  });
}
