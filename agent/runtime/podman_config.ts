// The containers.conf of the Podman service that the agent starts where none runs. Pure: facts about the machine in, file and reasons out.
// Podman reads it *instead of* the machine's own file (CONTAINERS_CONF), so it says everything that this machine needs, and nothing else.

export interface MachineFacts {
  readonly cgroupVersion: 1 | 2;
  readonly hasCrun: boolean;
  readonly hasRunc: boolean;
  readonly hasSystemd: boolean;
  /** CAP_SYS_RESOURCE: may containers get more open files and processes than we have? */
  readonly mayRaiseLimits: boolean;
  readonly hardOpenFiles: number;
  readonly hardProcesses: number;
  /** /proc/sys/kernel/pid_max: Podman lowers its own limit of processes to it, for good. */
  readonly pidMax: number;
}
export interface ServiceConfig {
  readonly text: string;
  /** One sentence a setting that differs from Podman's default, for the log. */
  readonly reasons: readonly string[];
}
/** What Podman gives every container of root by default. */
const podmanOpenFiles = 1_048_576, podmanProcesses = 4_194_304;
/** Long enough to ask for the exit code on a board under load. An exec probe every 10 s would otherwise keep 30 monitors alive, and slow the pod's removal down. */
const execLingerSeconds = 10;

/** `lockType` "file" keeps a private store's locks out of the machine's shared memory segment, which all stores share otherwise. */
export function serviceConfig(facts: MachineFacts, options: { lockType?: "file" } = {}): ServiceConfig {
  const reasons: string[] = [];
  const containers: string[] = [`base_hosts_file = "none"`, `log_driver = "k8s-file"`];
  const engine: string[] = [`events_logger = "file"`, `exit_command_delay = ${execLingerSeconds}`];
  reasons.push(`each exec keeps a monitor of 2 MB for ${execLingerSeconds} s after its end instead of 300 s (exit_command_delay)`);
  reasons.push("pods get no entries of the node's /etc/hosts (base_hosts_file)");
  if (!facts.mayRaiseLimits) {
    const files = Math.min(podmanOpenFiles, facts.hardOpenFiles);
    const processes = Math.min(podmanProcesses, facts.hardProcesses, facts.pidMax);
    containers.push(`default_ulimits = ["nofile=${files}:${files}", "nproc=${processes}:${processes}"]`);
    reasons.push("without CAP_SYS_RESOURCE no container can have higher limits than the agent (default_ulimits)");
  }
  if (facts.cgroupVersion === 1 && facts.hasRunc) {
    engine.push(`runtime = "runc"`);
    reasons.push("cgroup v1 or hybrid: crun refuses it, runc does not (runtime)");
  } else if (!facts.hasCrun && facts.hasRunc) {
    engine.push(`runtime = "runc"`);
    reasons.push("crun is not installed (runtime)");
  }
  if (!facts.hasSystemd) {
    engine.push(`cgroup_manager = "cgroupfs"`);
    reasons.push("systemd does not run here (cgroup_manager)");
  }
  if (options.lockType) engine.push(`lock_type = "${options.lockType}"`);
  const sections = { containers, engine, network: [`network_backend = "netavark"`] };
  const text = Object.entries(sections).map(([name, lines]) => `[${name}]\n${lines.join("\n")}\n`).join("\n");
  return { text: `# Written by skerry-agent at each start of its Podman service; changes are lost.\n\n${text}`, reasons };
}
