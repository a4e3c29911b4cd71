// Volumes of a pod: those that the node's agent mounts itself. Network disks are in volume_disk.ts.
import { atomic, bool, field, inline, int32, int64, list, map, message, oneOf, optional, required, string } from "../../schema.ts";
import { quantity } from "../../scalars.ts";
import { LabelSelector } from "../../meta.ts";
import { EphemeralVolumeSource, PersistentVolumeClaimVolumeSource } from "./claim.ts";
import { pullPolicy } from "./container.ts";
import { ObjectFieldSelector, ResourceFieldSelector } from "./env.ts";
import { LocalObjectReference } from "./reference.ts";
import * as disk from "./volume_disk.ts";

const core = "k8s.io.api.core.v1";
/** 0644: JSON has no octal numbers. */
const defaultMode = { default: 0o644 };

export class KeyToPath extends message(`${core}.KeyToPath`, "A key that becomes a file.", {
  key: required(1, string, "The key."),
  path: required(2, string, "Path of the file in the volume."),
  mode: optional(3, int32, "Mode bits of the file; the volume's defaultMode, if left out."),
}) {}
export class SecretVolumeSource extends message(`${core}.SecretVolumeSource`, "A Secret, a file for each key, in memory.", {
  secretName: field(1, string, "Name of the Secret."),
  items: field(2, list(KeyToPath), "Keys to take and their paths; all keys, if left out.", atomic),
  defaultMode: optional(3, int32, "Mode bits of the files.", defaultMode),
  optional: optional(4, bool, "May the Secret or its keys be missing?"),
}) {}
export class ConfigMapVolumeSource extends message(`${core}.ConfigMapVolumeSource`, "A ConfigMap, a file for each key.", {
  ...inline(1, "localObjectReference", LocalObjectReference),
  items: field(2, list(KeyToPath), "Keys to take and their paths; all keys, if left out.", atomic),
  defaultMode: optional(3, int32, "Mode bits of the files.", defaultMode),
  optional: optional(4, bool, "May the ConfigMap or its keys be missing?"),
}) {}

export class DownwardAPIVolumeFile extends message(`${core}.DownwardAPIVolumeFile`, "A file about the pod itself.", {
  path: required(1, string, "Path of the file in the volume."),
  fieldRef: optional(2, ObjectFieldSelector, "The field of the pod to write."),
  resourceFieldRef: optional(3, ResourceFieldSelector, "The request or limit of a container to write."),
  mode: optional(4, int32, "Mode bits of the file; the volume's defaultMode, if left out."),
}) {}
export class DownwardAPIVolumeSource extends message(`${core}.DownwardAPIVolumeSource`, "Files about the pod itself.", {
  items: field(1, list(DownwardAPIVolumeFile), "The files.", atomic),
  defaultMode: optional(2, int32, "Mode bits of the files.", defaultMode),
}) {}

export class SecretProjection extends message(`${core}.SecretProjection`, "A Secret, as a part of a volume.", {
  ...inline(1, "localObjectReference", LocalObjectReference),
  items: field(2, list(KeyToPath), "Keys to take and their paths; all keys, if left out.", atomic),
  optional: optional(4, bool, "May the Secret or its keys be missing?"),
}) {}
export class ConfigMapProjection extends message(`${core}.ConfigMapProjection`, "A ConfigMap, as a part of a volume.", {
  ...inline(1, "localObjectReference", LocalObjectReference),
  items: field(2, list(KeyToPath), "Keys to take and their paths; all keys, if left out.", atomic),
  optional: optional(4, bool, "May the ConfigMap or its keys be missing?"),
}) {}
export class DownwardAPIProjection extends message(`${core}.DownwardAPIProjection`, "Files about the pod, as a part of a volume.", {
  items: field(1, list(DownwardAPIVolumeFile), "The files.", atomic),
}) {}
export class ServiceAccountTokenProjection
  extends message(`${core}.ServiceAccountTokenProjection`, "A token of the pod's ServiceAccount.", {
    audience: field(1, string, "Who is to accept the token; the API server, if left out."),
    expirationSeconds: optional(2, int64, "Seconds for which it is good; it is renewed before.", { default: 3600 }),
    path: required(3, string, "Path of the file in the volume."),
  }) {}
export class ClusterTrustBundleProjection extends message(`${core}.ClusterTrustBundleProjection`, "Root certificates.", {
  name: optional(1, string, "Name of the one bundle to take."),
  signerName: optional(2, string, "Signer whose bundles to take."),
  labelSelector: optional(3, LabelSelector, "Which of the signer's bundles."),
  path: required(4, string, "Path of the file in the volume."),
  optional: optional(5, bool, "May the bundles be missing?"),
}) {}
export class PodCertificateProjection extends message(`${core}.PodCertificateProjection`, "A key and a certificate for the pod.", {
  signerName: required(1, string, "Who signs."),
  keyType: required(2, string, "Kind of key: ED25519, ECDSAP256, RSA4096, …"),
  maxExpirationSeconds: optional(3, int32, "Seconds for which the certificate may be good at most."),
  credentialBundlePath: field(4, string, "Path of the file with key and certificates together."),
  keyPath: field(5, string, "Path of the file with the key."),
  certificateChainPath: field(6, string, "Path of the file with the certificates."),
  userAnnotations: field(7, map(string), "Keys and values for the signer."),
}) {}
export class VolumeProjection extends message(`${core}.VolumeProjection`, "A part of a projected volume: one of these.", {
  secret: optional(1, SecretProjection, "A Secret."),
  downwardAPI: optional(2, DownwardAPIProjection, "Files about the pod."),
  configMap: optional(3, ConfigMapProjection, "A ConfigMap."),
  serviceAccountToken: optional(4, ServiceAccountTokenProjection, "A token of its ServiceAccount."),
  clusterTrustBundle: optional(5, ClusterTrustBundleProjection, "Root certificates."),
  podCertificate: optional(6, PodCertificateProjection, "A key and a certificate."),
}) {}
export class ProjectedVolumeSource extends message(`${core}.ProjectedVolumeSource`, "Several sources in one directory.", {
  sources: field(1, list(VolumeProjection), "The sources.", atomic),
  defaultMode: optional(2, int32, "Mode bits of the files.", defaultMode),
}) {}

const hostPathType = oneOf("", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice");
export class HostPathVolumeSource extends message(`${core}.HostPathVolumeSource`, "A file or directory of the node.", {
  path: required(1, string, "Its path on the node."),
  type: optional(2, hostPathType, "What must be there; empty: anything.", { default: "" }),
}) {}
export class EmptyDirVolumeSource extends message(`${core}.EmptyDirVolumeSource`, "A directory that lives and dies with the pod.", {
  medium: field(1, string, "Memory: in memory. Empty: on the node's disk."),
  sizeLimit: optional(2, quantity, "The most it may hold."),
}) {}
export class ImageVolumeSource extends message(`${core}.ImageVolumeSource`, "The content of an image, read-only.", {
  reference: field(1, string, "The image."),
  pullPolicy: field(2, pullPolicy, "When to pull it. Always for the tag latest or none, else IfNotPresent."),
}) {}

export class VolumeSource extends message(`${core}.VolumeSource`, "What a volume is made of: one of these.", {
  hostPath: optional(1, HostPathVolumeSource, "A file or directory of the node."),
  emptyDir: optional(2, EmptyDirVolumeSource, "A directory that lives and dies with the pod."),
  gcePersistentDisk: optional(3, disk.GCEPersistentDiskVolumeSource, "A disk of Google Cloud."),
  awsElasticBlockStore: optional(4, disk.AWSElasticBlockStoreVolumeSource, "A disk of AWS."),
  gitRepo: optional(5, disk.GitRepoVolumeSource, "A Git repository. No longer served; use an init container."),
  secret: optional(6, SecretVolumeSource, "A Secret."),
  nfs: optional(7, disk.NFSVolumeSource, "A directory of an NFS server."),
  iscsi: optional(8, disk.ISCSIVolumeSource, "An iSCSI disk."),
  glusterfs: optional(9, disk.GlusterfsVolumeSource, "A Gluster volume."),
  persistentVolumeClaim: optional(10, PersistentVolumeClaimVolumeSource, "A PersistentVolumeClaim."),
  rbd: optional(11, disk.RBDVolumeSource, "A RADOS block device."),
  flexVolume: optional(12, disk.FlexVolumeSource, "A volume that a plugin on the node makes."),
  cinder: optional(13, disk.CinderVolumeSource, "A disk of OpenStack."),
  cephfs: optional(14, disk.CephFSVolumeSource, "A Ceph file system."),
  flocker: optional(15, disk.FlockerVolumeSource, "A Flocker volume."),
  downwardAPI: optional(16, DownwardAPIVolumeSource, "Files about the pod itself."),
  fc: optional(17, disk.FCVolumeSource, "A Fibre Channel disk."),
  azureFile: optional(18, disk.AzureFileVolumeSource, "A share of Azure Files."),
  configMap: optional(19, ConfigMapVolumeSource, "A ConfigMap."),
  vsphereVolume: optional(20, disk.VsphereVirtualDiskVolumeSource, "A disk of vSphere."),
  quobyte: optional(21, disk.QuobyteVolumeSource, "A Quobyte volume."),
  azureDisk: optional(22, disk.AzureDiskVolumeSource, "A disk of Azure."),
  photonPersistentDisk: optional(23, disk.PhotonPersistentDiskVolumeSource, "A disk of Photon."),
  portworxVolume: optional(24, disk.PortworxVolumeSource, "A Portworx volume."),
  scaleIO: optional(25, disk.ScaleIOVolumeSource, "A ScaleIO volume."),
  projected: optional(26, ProjectedVolumeSource, "Several sources in one directory."),
  storageos: optional(27, disk.StorageOSVolumeSource, "A StorageOS volume."),
  csi: optional(28, disk.CSIVolumeSource, "A volume that a CSI driver makes for this pod."),
  ephemeral: optional(29, EphemeralVolumeSource, "A claim that lives and dies with the pod."),
  image: optional(30, ImageVolumeSource, "The content of an image."),
}) {}
export class Volume extends message(`${core}.Volume`, "A volume of a pod.", {
  name: required(1, string, "Name, unique in the pod; mounts refer to it."),
  ...inline(2, "volumeSource", VolumeSource),
}) {}
