// Rules of Ingresses.
import { isIP } from "node:net";
import type { Cause } from "../decode.ts";
import { dns1035Label, dns1123Subdomain, portName, portNumber, type Syntax, wildcardSubdomain } from "../names.ts";
import { invalid, missing } from "../resource.ts";
import type { HTTPIngressPath, Ingress, IngressBackend, IngressLoadBalancerIngress, IngressRule, IngressTLS } from "./ingress.ts";
import { validateReference } from "./ingress_class.ts";
import { each, ifGiven, obeysSyntax } from "./pod/check.ts";

/** From the time before `ingressClassName`. */
export const classAnnotation = "kubernetes.io/ingress.class";

export function validateIngress({ metadata, spec = {}, status }: Ingress, old?: Ingress): Cause[] {
  const { defaultBackend, rules = [], tls, ingressClassName } = spec, annotations = metadata?.annotations ?? {};
  const causes = status?.loadBalancer ? each(status.loadBalancer.ingress, "status.loadBalancer.ingress", validatePlace) : [];
  if (rules.length === 0 && !defaultBackend) {
    causes.push(invalid("spec", spec.rules ?? null, "either `defaultBackend` or `rules` must be specified"));
  }
  causes.push(
    ...defaultBackend ? validateBackend(defaultBackend, "spec.defaultBackend") : [],
    ...each(rules, "spec.rules", validateRule),
    ...each(tls, "spec.tls", validateTls),
    ...ifGiven("spec.ingressClassName", ingressClassName, dns1123Subdomain),
  );
  if (!old && ingressClassName !== undefined && Object.hasOwn(annotations, classAnnotation)) {
    causes.push(
      invalid(`annotations.${classAnnotation}`, annotations[classAnnotation], "can not be set when the class field is also set"),
    );
  }
  return causes;
}

const noAddress: Syntax = (host) => isIP(host) ? ["must be a DNS name, not an IP address"] : [];
const hostName: Syntax = (host) => host.includes("*") ? wildcardSubdomain(host) : dns1123Subdomain(host);
function validateRule({ host, http }: IngressRule, at: string): Cause[] {
  const causes = [...ifGiven(`${at}.host`, host, noAddress), ...ifGiven(`${at}.host`, host, hostName)];
  if (!http) return causes;
  return [...causes, ...http.paths.length === 0 ? [missing(`${at}.http.paths`)] : each(http.paths, `${at}.http.paths`, validatePath)];
}

const ambiguous = ["//", "/./", "/../", "%2f", "%2F"];
function validatePath({ path = "", pathType, backend }: HTTPIngressPath, at: string): Cause[] {
  const here = `${at}.path`, causes: Cause[] = [], exact = pathType !== "ImplementationSpecific";
  if (!path.startsWith("/") && (exact || path !== "")) causes.push(invalid(here, path, "must be an absolute path"));
  if (exact) {
    causes.push(...ambiguous.filter((part) => path.includes(part)).map((part) => invalid(here, path, `must not contain '${part}'`)));
    causes.push(...["/..", "/."].filter((end) => path.endsWith(end)).map((end) => invalid(here, path, `cannot end with '${end}'`)));
  }
  return [...causes, ...validateBackend(backend, `${at}.backend`)];
}

function validateBackend({ resource, service }: IngressBackend, at: string): Cause[] {
  if (resource && service) return [invalid(at, "", "cannot set both resource and service backends")];
  if (resource) return validateReference(resource, `${at}.resource`);
  if (!service) return [invalid(at, "", "resource or service backend is required")];
  const { name, port: { name: named = "", number = 0 } = {} } = service;
  const causes = name === "" ? [missing(`${at}.service.name`)] : obeysSyntax(`${at}.service.name`, name, dns1035Label);
  if (named && number) return [...causes, invalid(at, "", "cannot set both port name & port number")];
  if (named) return [...causes, ...obeysSyntax(`${at}.service.port.name`, named, portName)];
  if (!number) return [...causes, missing(at, "port name or number is required")];
  return [...causes, ...portNumber(number).map((problem) => invalid(`${at}.service.port.number`, number, problem))];
}

const validateTls = ({ hosts = [], secretName }: IngressTLS, at: string): Cause[] => [
  ...hosts.flatMap((host) => obeysSyntax(`${at}.hosts`, host, hostName)),
  ...ifGiven(`${at}.secretName`, secretName, dns1123Subdomain),
];

const anyAddress: Syntax = (ip) => isIP(ip) ? [] : ["must be a valid IP address"];
const validatePlace = ({ ip, hostname }: IngressLoadBalancerIngress, at: string): Cause[] => [
  ...ifGiven(`${at}.ip`, ip, anyAddress),
  ...ifGiven(`${at}.hostname`, hostname, dns1123Subdomain),
  ...ifGiven(`${at}.hostname`, hostname, noAddress),
];
