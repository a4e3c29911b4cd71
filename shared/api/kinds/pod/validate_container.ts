// Rules of containers.
import type { Cause } from "../../decode.ts";
import { dns1123Label, portName } from "../../names.ts";
import { duplicate, forbidden, invalid, missing, notFound, tooMany } from "../../resource.ts";
import { descending, each, noBacksteps, obeysSyntax, unique } from "./check.ts";
import type { Container, ContainerPort, EphemeralContainer, VolumeDevice, VolumeMount } from "./container.ts";
import type { PodSpec } from "./pod_spec.ts";
import { isSidecar } from "./summary.ts";
import { validateEnv, validateEnvFrom } from "./validate_env.ts";
import { validateLife } from "./validate_probe.ts";
import { validateResources } from "./validate_resources.ts";
import { validateSecurity } from "./validate_security.ts";

export function validateContainers(spec: PodSpec, at: string): Cause[] {
  const { containers, initContainers, ephemeralContainers, terminationGracePeriodSeconds: grace = 30 } = spec;
  if (containers.length === 0) return [missing(`${at}.containers`)];
  const names = new Set<string>();
  const claim = (name: string, at: string): Cause[] => names.size < names.add(name).size ? [] : [duplicate(`${at}.name`, name)];
  const causes = [
    ...each(containers, `${at}.containers`, (container, here) => [
      ...validateContainer(container, here, spec),
      ...claim(container.name, here),
      ...validateLife(container, here, grace),
      ...container.restartPolicy === undefined ? [] : validateOwnRestarts(container, here),
    ]),
    ...validateHostPorts(containers, `${at}.containers`),
    ...each(initContainers, `${at}.initContainers`, (container, here) => [
      ...validateContainer(container, here, spec),
      ...claim(container.name, here),
      ...isSidecar(container) ? validateLife(container, here, grace) : lifeless(container, here),
    ]),
    ...each(initContainers, `${at}.initContainers`, (container, here) => validateHostPorts([container], here, "")),
  ];
  const targets = new Set(names);
  return [
    ...causes,
    ...each(ephemeralContainers, `${at}.ephemeralContainers`, (container, here) => [
      ...validateContainer(container, here, spec),
      ...claim(container.name, here),
      ...validateEphemeral(container, here, targets),
    ]),
  ];
}

/** As in Kubernetes. */
const restartRulesMost = 20;

/** What holds for containers of any kind. */
function validateContainer(container: Container | EphemeralContainer, at: string, spec: PodSpec): Cause[] {
  const { name, image, ports, env, envFrom, resources = {}, securityContext } = container;
  return [
    ...obeysSyntax(`${at}.name`, name, dns1123Label),
    ...image ? [] : [missing(`${at}.image`)],
    ...validatePorts(ports, `${at}.ports`),
    ...validateEnv(env, `${at}.env`),
    ...validateEnvFrom(envFrom, `${at}.envFrom`),
    ...validateMounts(container, at, spec),
    ...validateDevices(container, at, spec),
    ...validateResources(resources, `${at}.resources`, spec),
    ...securityContext ? validateSecurity(securityContext, `${at}.securityContext`) : [],
  ];
}
function validateOwnRestarts({ restartPolicy, restartPolicyRules = [] }: Container, at: string): Cause[] {
  const field = `${at}.restartPolicyRules`;
  if (restartPolicy === "Always" && restartPolicyRules.length > 0) {
    return [forbidden(field, "restartPolicyRules are not allowed with restartPolicy: Always")];
  }
  return restartPolicyRules.length > restartRulesMost ? [tooMany(field, restartPolicyRules.length, restartRulesMost)] : [];
}

const validatePorts = (ports: readonly ContainerPort[] | undefined, at: string): Cause[] => [
  ...each(ports, at, ({ name }, here) => name ? obeysSyntax(`${here}.name`, name, portName) : []),
  ...unique(ports, at, ({ name }) => name || undefined, (here, name) => duplicate(`${here}.name`, name)),
];
function validateHostPorts(containers: readonly Container[], at: string, index?: ""): Cause[] {
  const seen = new Set<string>();
  return containers.flatMap(({ ports }, i) =>
    each(ports, `${at}${index ?? `[${i}]`}.ports`, ({ protocol, hostIP = "", hostPort }, here) => {
      const port = `${protocol}/${hostIP}/${hostPort}`;
      return !hostPort || seen.size < seen.add(port).size ? [] : [duplicate(`${here}.hostPort`, port)];
    })
  );
}

function validateMounts({ volumeMounts, volumeDevices, securityContext }: Container, at: string, spec: PodSpec): Cause[] {
  const volumes = new Map(spec.volumes?.map((volume) => [volume.name, volume]));
  const rules = (mount: VolumeMount, here: string): Cause[] => {
    const { name, mountPath, subPath, subPathExpr, mountPropagation, readOnly, recursiveReadOnly } = mount;
    const causes: Cause[] = [], volume = volumes.get(name);
    if (!volume) causes.push(notFound(`${here}.name`, name));
    if (volumeDevices?.some((device) => device.name === name)) {
      causes.push(invalid(`${here}.name`, name, "must not already exist in volumeDevices"));
    }
    if (volumeDevices?.some((device) => device.devicePath === mountPath)) {
      causes.push(invalid(`${here}.mountPath`, mountPath, "must not already exist as a path in volumeDevices"));
    }
    if (subPath) causes.push(...obeysSyntax(`${at}.volumeMounts.subPath`, subPath, descending));
    if (subPath && subPathExpr) {
      causes.push(invalid(`${here}.subPathExpr`, subPathExpr, "subPathExpr and subPath are mutually exclusive"));
    }
    if (subPathExpr) causes.push(...obeysSyntax(`${at}.volumeMounts.subPathExpr`, subPathExpr, descending));
    if (mountPropagation === "Bidirectional" && !securityContext?.privileged) {
      causes.push(
        forbidden(`${at}.volumeMounts.mountPropagation`, "Bidirectional mount propagation is available only to privileged containers"),
      );
    }
    if (recursiveReadOnly && recursiveReadOnly !== "Disabled" && !readOnly) {
      causes.push(forbidden(`${at}.volumeMounts.recursiveReadOnly`, "may only be specified when readOnly is true"));
    }
    return causes;
  };
  return [
    ...each(volumeMounts, `${at}.volumeMounts`, rules),
    ...unique(
      volumeMounts,
      `${at}.volumeMounts`,
      ({ mountPath }) => mountPath,
      (here, path) => invalid(`${here}.mountPath`, path, "must be unique"),
    ),
  ];
}
function validateDevices({ volumeDevices }: Container, at: string, { volumes = [] }: PodSpec): Cause[] {
  const rules = ({ name, devicePath }: VolumeDevice, here: string): Cause[] => {
    const volume = volumes.find((volume) => volume.name === name);
    const words = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
    return [
      ...volume ? [] : [notFound(`${here}.name`, name)],
      ...volume && !volume.persistentVolumeClaim && !volume.ephemeral ? [invalid(`${here}.name`, name, words)] : [],
      ...noBacksteps(devicePath).map(() => invalid(`${here}.devicePath`, devicePath, "can not contain backsteps ('..')")),
    ];
  };
  return [
    ...each(volumeDevices, `${at}.volumeDevices`, rules),
    ...(["name", "devicePath"] as const).flatMap((key) =>
      unique(
        volumeDevices,
        `${at}.volumeDevices`,
        (device) => device[key],
        (here, value) => invalid(`${here}.${key}`, value, "must be unique"),
      )
    ),
  ];
}

const life = ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const;
/** Of init containers that end before the next begins. */
const lifeless = (container: Container, at: string): Cause[] =>
  life.filter((key) => container[key] !== undefined)
    .map((key) => forbidden(`${at}.${key}`, "may not be set for init containers without restartPolicy=Always"));

/** Somebody looks into a pod: what runs for that must not become a part of the workload. */
function validateEphemeral(container: EphemeralContainer, at: string, targets: ReadonlySet<string>): Cause[] {
  const { targetContainerName: target, resources = {}, volumeMounts } = container;
  const not = "cannot be set for an Ephemeral Container";
  const set = [...life, "ports", "resizePolicy", "restartPolicy", "restartPolicyRules"] as const;
  return [
    ...target && !targets.has(target) ? [notFound(`${at}.targetContainerName`, target)] : [],
    ...set.filter((key) => container[key] !== undefined).map((key) => forbidden(`${at}.${key}`, not)),
    ...Object.keys(resources).length > 0 ? [forbidden(`${at}.resources`, not)] : [],
    ...each(
      volumeMounts,
      `${at}.volumeMounts`,
      (mount, here) => (["subPath", "subPathExpr"] as const).filter((key) => mount[key]).map((key) => forbidden(`${here}.${key}`, not)),
    ),
  ];
}
