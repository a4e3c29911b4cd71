// Rules of probes and hooks.
import type { Cause } from "../../decode.ts";
import { portName, portNumber, type Syntax } from "../../names.ts";
import { forbidden, invalid, missing } from "../../resource.ts";
import { atLeast, each, obeysSyntax } from "./check.ts";
import type { Container } from "./container.ts";
import type { Lifecycle, LifecycleHandler, Probe, ProbeHandler } from "./probe.ts";

/** What only containers that run beside others have: probes and hooks. `grace`: seconds that the pod has to stop. */
export function validateLife(container: Container, at: string, grace: number): Cause[] {
  const { livenessProbe, readinessProbe, startupProbe, lifecycle } = container;
  const causes = [
    ...validateLifecycle(lifecycle, `${at}.lifecycle`, grace),
    ...validateProbe(livenessProbe, `${at}.livenessProbe`, { once: true }),
    ...validateProbe(readinessProbe, `${at}.readinessProbe`, { once: false }),
    ...validateProbe(startupProbe, `${at}.startupProbe`, { once: true }),
  ];
  const seconds = readinessProbe?.terminationGracePeriodSeconds;
  if (seconds === undefined) return causes;
  return [...causes, invalid(`${at}.readinessProbe.terminationGracePeriodSeconds`, seconds, "must not be set for readinessProbes")];
}

function validateProbe(probe: Probe | undefined, at: string, { once }: { once: boolean }): Cause[] {
  if (!probe) return [];
  const { successThreshold } = probe;
  return [
    ...validateHandler(probe, at),
    ...(["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] as const)
      .flatMap((key) => atLeast(`${at}.${key}`, probe[key], 0)),
    ...atLeast(`${at}.terminationGracePeriodSeconds`, probe.terminationGracePeriodSeconds, 1),
    ...once && successThreshold !== 1 ? [invalid(`${at}.successThreshold`, successThreshold, "must be 1")] : [],
  ];
}
function validateLifecycle({ postStart, preStop }: Lifecycle = {}, at: string, grace: number): Cause[] {
  return [
    ...postStart ? validateHandler(postStart, `${at}.postStart`, grace) : [],
    ...preStop ? validateHandler(preStop, `${at}.preStop`, grace) : [],
  ];
}

/** The first way given is looked at, any other is one too many. */
function validateHandler(handler: ProbeHandler & LifecycleHandler, at: string, grace = 0): Cause[] {
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  const ways: [name: string, given: unknown, rules: (at: string) => Cause[]][] = [
    ["exec", exec, (at) => exec?.command?.length ? [] : [missing(`${at}.command`)]],
    ["httpGet", httpGet, (at) => [
      ...validatePort(httpGet!.port, `${at}.port`),
      ...each(httpGet!.httpHeaders, "", ({ name }) => obeysSyntax(`${at}.httpHeaders`, name, headerName)),
    ]],
    ["tcpSocket", tcpSocket, (at) => validatePort(tcpSocket!.port, `${at}.port`)],
    ["grpc", grpc, (at) => validatePort(grpc!.port, `${at}.port`)],
    ["sleep", sleep, (at) => {
      const { seconds } = sleep!, words = `must be non-negative and less than terminationGracePeriodSeconds (${grace})`;
      return seconds < 0 || seconds > grace ? [invalid(at, seconds, words)] : [];
    }],
  ];
  const given = ways.filter(([, value]) => value !== undefined);
  if (given.length === 0) return [missing(at, "must specify a handler type")];
  return given.flatMap(([name, , rules], i) =>
    i === 0 ? rules(`${at}.${name}`) : [forbidden(`${at}.${name}`, "may not specify more than 1 handler type")]
  );
}

function validatePort(port: number | string, at: string): Cause[] {
  if (typeof port === "string") return obeysSyntax(at, port, portName);
  return portNumber(port).map((problem) => invalid(at, port, problem));
}
const headerName: Syntax = (name) =>
  /^[-A-Za-z0-9]+$/.test(name) ? [] : [
    "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')",
  ];
