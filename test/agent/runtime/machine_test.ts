// The small parsers of what the machine says.
import * as assert from "uvu/assert";
import { controllerPaths } from "../../../agent/runtime/cgroup_stats.ts";
import { durationMs, exitCode, hearsSigterm, program } from "../../../agent/runtime/emulated_program.ts";
import { qualified } from "../../../agent/runtime/image_reference.ts";
import { oomKilledContainer } from "../../../agent/runtime/oom_kills.ts";
import { type MachineFacts, serviceConfig } from "../../../agent/runtime/podman_config.ts";
import { suite } from "../../kit/suite.ts";

const test = suite("the machine's words");

test("qualified() reads names as Kubernetes does", () => {
  const names = ["nginx", "nginx:1.27", "grafana/loki:3", "ghcr.io/a/b@sha256:00", "localhost/x:1", "registry:5000/x", "a".repeat(64)];
  assert.equal(names.map(qualified), [
    "docker.io/library/nginx",
    "docker.io/library/nginx:1.27",
    "docker.io/grafana/loki:3",
    "ghcr.io/a/b@sha256:00",
    "localhost/x:1",
    "registry:5000/x",
    "a".repeat(64),
  ]);
});

test("oomKilledContainer() finds the container in the kernel's line", () => {
  const id = "ee2e".repeat(16);
  const line = `4,1062,1350874210,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=libpod-${id},mems_allowed=0,` +
    `oom_memcg=/libpod_parent/16bb/libpod-${id},task_memcg=/libpod_parent/16bb/libpod-${id},task=sh,pid=9111,uid=0\n`;
  assert.is(oomKilledContainer(line), id);
  assert.is(oomKilledContainer("6,1063,1350874211,-;sh invoked oom-killer: gfp_mask=0xcc0"), undefined);
});

test("controllerPaths() reads v1, hybrid and v2", () => {
  assert.is(controllerPaths("4:memory:/a\n2:cpu,cpuacct:/b\n0::/c\n").get("cpuacct"), "/b");
  assert.is(controllerPaths("0::/machine.slice/libpod-x.scope\n").get(""), "/machine.slice/libpod-x.scope");
});

const debian: MachineFacts = {
  cgroupVersion: 2,
  hasCrun: true,
  hasRunc: true,
  hasSystemd: true,
  mayRaiseLimits: true,
  hardOpenFiles: 1_048_576,
  hardProcesses: 60_000,
  pidMax: 4_194_304,
};

test("serviceConfig() leaves a machine with everything to Podman's defaults", () => {
  const { text } = serviceConfig(debian);
  for (const setting of ["runtime =", "cgroup_manager", "default_ulimits", "lock_type"]) assert.not.match(text, setting);
  assert.match(text, 'network_backend = "netavark"');
});

test("serviceConfig() works around hybrid cgroups, missing systemd and limits that cannot be raised", () => {
  const { text, reasons } = serviceConfig({
    ...debian,
    cgroupVersion: 1,
    hasSystemd: false,
    mayRaiseLimits: false,
    hardOpenFiles: 20_000,
    pidMax: 32_768,
  });
  assert.match(text, 'runtime = "runc"');
  assert.match(text, 'cgroup_manager = "cgroupfs"');
  assert.match(text, 'default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]');
  assert.ok(reasons.some((reason) => reason.includes("crun")));
});

test("program() understands the shell that probes and tests speak", () => {
  const around = { hostname: "web-0", env: { GREETING: "hi" } };
  assert.equal(program(["sh", "-c", "echo $GREETING from $HOSTNAME; echo no >&2; false"], around, "succeeds"), [
    { do: "print", stream: "stdout", text: "hi from web-0\n" },
    { do: "print", stream: "stderr", text: "no\n" },
    { do: "exit", code: 1 },
  ]);
  assert.is(durationMs(program(["sleep", "5"], around, "serves")), 5000);
  assert.is(exitCode(program(["sh", "-c", "exit 3; echo never"], around, "serves")), 3);
});

test("program() lets an unknown command serve as a container and succeed as a probe", () => {
  const around = { hostname: "h", env: {} };
  assert.ok(hearsSigterm(program(["/app/server", "--port", "80"], around, "serves")));
  assert.is(durationMs(program(["sh", "-c", "while true; do date; done"], around, "serves")), Infinity);
  assert.equal(program(["pg_isready"], around, "succeeds"), [{ do: "exit", code: 0 }]);
  assert.equal(program(["cat", "/tmp/healthy"], around, "succeeds"), [{ do: "exit", code: 0 }]);
});
