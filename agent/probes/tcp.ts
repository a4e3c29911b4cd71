import net from "node:net";
import type { Clock } from "../../shared/util/clock.ts";
import type { ProbeResult } from "./http.ts";

/** Healthy if a connection opens. */
export function tcpConnect({ clock }: { clock: Clock }, host: string, port: number, timeoutMs: number): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    const finish = (healthy: boolean, message: string): void => {
      cancel();
      socket.destroy();
      resolve({ healthy, message });
    };
    const cancel = clock.after(timeoutMs, () => finish(false, `dial tcp ${host}:${port}: no answer within ${timeoutMs} ms`));
    socket.on("connect", () => finish(true, ""));
    socket.on("error", (error) => finish(false, `dial tcp ${host}:${port}: ${error.message}`));
  });
}
