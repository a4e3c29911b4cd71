import type { Container } from "../../shared/api/kinds/pod/container.ts";

/** The number of a port that a probe or hook gives by number or by name. @throws RangeError if the container has no such port */
export function portNumber(port: number | string, { ports = [], name }: Container): number {
  const found = typeof port === "number" ? port : ports.find((one) => one.name === port)?.containerPort ?? Number(port);
  if (!Number.isInteger(found) || found < 1 || found > 65_535) throw new RangeError(`container ${name} has no port ${port}`);
  return found;
}
