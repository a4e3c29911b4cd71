// The audit log as the options want it.
import { readFile } from "node:fs/promises";
import process from "node:process";
import type { Clock } from "../../../shared/util/clock.ts";
import type { Log } from "../../../shared/util/log.ts";
import { aborted } from "../../../shared/util/signal.ts";
import { AuditLog } from "./audit_log.ts";
import { type Auditor, createAuditor } from "./middleware.ts";
import { defaultPolicy, parsePolicy, type Policy } from "./policy.ts";

export interface AuditConfig {
  /** "": nowhere; "-": standard output. */
  readonly auditLog: string;
  readonly auditPolicy: string;
  /** MiB */
  readonly auditLogMaxsize: number;
  readonly auditLogMaxbackup: number;
}
export interface Audit {
  readonly auditor: Auditor;
  /** Lines that were written, and that were lost. */
  readonly counts: { readonly written: number; readonly dropped: number };
  /** Resolves when the signal has aborted and the last line is written. */
  run(signal: AbortSignal): Promise<void>;
}

/** @throws Error that says what is wrong with the policy */
export async function openAudit(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  config: AuditConfig,
): Promise<Audit | undefined> {
  if (config.auditLog === "") return undefined;
  const policy = await readPolicy(config.auditPolicy);
  if (config.auditLog === "-") {
    const counts = { written: 0, dropped: 0 };
    const auditor = createAuditor(clock, policy, (line) => {
      counts.written++;
      process.stdout.write(line);
    });
    return { auditor, counts, run: aborted };
  }
  const lines = new AuditLog({ clock, log }, {
    path: config.auditLog,
    maxBytes: config.auditLogMaxsize * 1024 * 1024,
    backups: config.auditLogMaxbackup,
  });
  return { auditor: createAuditor(clock, policy, (line) => lines.write(line)), counts: lines, run: (signal) => lines.run(signal) };
}

async function readPolicy(path: string): Promise<Policy> {
  if (path === "") return defaultPolicy;
  try {
    return parsePolicy(await readFile(path, "utf8"));
  } catch (error) {
    throw new Error(`Cannot use --audit-policy ${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
