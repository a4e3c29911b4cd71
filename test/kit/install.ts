// What the tests need from Debian. Installed once, as root; nothing else of the machine is changed.
import process from "node:process";
import { canInstall, containerPrograms, installPackages, missingPackages, pythonClient } from "../../shared/platform/debian.ts";

/** Installs what is missing for these test files; where that cannot be, says so, and the tests say what they skip. */
export function install(tests: readonly string[]): void {
  const containers = tests.some((file) => /^(system|processes)\//.test(file) || file.includes("proxy") || file.includes("network"));
  const etcd = tests.some((file) => file.includes("etcd") || file.startsWith("contract/store"));
  const prometheus = tests.some((file) => file.includes("prometheus"));
  const python = tests.some((file) => file.includes("python"));
  const missing = missingPackages([
    ...containers ? [...containerPrograms, "kubectl", "openssl"] : [],
    ...etcd ? ["etcd"] : [],
    ...prometheus ? ["prometheus"] : [],
    ...python ? [pythonClient] : [],
  ]);
  if (missing.length === 0) return;
  if (!canInstall()) {
    return void process.stdout.write(`Missing Debian packages: ${missing.join(" ")}. Install them, or run as root on Debian.\n`);
  }
  process.stdout.write(`Installing from Debian: ${missing.join(" ")}\n`);
  installPackages(missing);
}
