// Volumes on the network and in clouds. The API keeps them so that manifests written for other clusters are not refused; no agent mounts
// them but nfs.
import { atomic, bool, field, int32, list, map, message, oneOf, optional, required, string } from "../../schema.ts";
import { LocalObjectReference } from "./reference.ts";

const core = "k8s.io.api.core.v1";
const fsType = "Type of the file system on it.";
const readOnly = "Is it mounted read-only?";
const volume = (name: string) => `${core}.${name}VolumeSource`;

export class AWSElasticBlockStoreVolumeSource extends message(volume("AWSElasticBlockStore"), "A disk of AWS.", {
  volumeID: required(1, string, "Id of the disk."),
  fsType: field(2, string, fsType),
  partition: field(3, int32, "Partition to mount; the whole disk, if 0."),
  readOnly: field(4, bool, readOnly),
}) {}
export class AzureDiskVolumeSource extends message(volume("AzureDisk"), "A disk of Azure.", {
  diskName: required(1, string, "Name of the disk."),
  diskURI: required(2, string, "URI of the disk."),
  cachingMode: optional(3, oneOf("None", "ReadOnly", "ReadWrite"), "How the host caches it.", { default: "ReadWrite" }),
  fsType: optional(4, string, fsType, { default: "ext4" }),
  readOnly: optional(5, bool, readOnly, { default: false }),
  kind: optional(6, oneOf("Shared", "Dedicated", "Managed"), "Which kind of disk.", { default: "Shared" }),
}) {}
export class AzureFileVolumeSource extends message(volume("AzureFile"), "A share of Azure Files.", {
  secretName: required(1, string, "Secret with account and key."),
  shareName: required(2, string, "Name of the share."),
  readOnly: field(3, bool, readOnly),
}) {}
export class CephFSVolumeSource extends message(volume("CephFS"), "A Ceph file system.", {
  monitors: required(1, list(string), "Its monitors.", atomic),
  path: field(2, string, "Path in the file system."),
  user: field(3, string, "User of the file system."),
  secretFile: field(4, string, "File on the node with the user's key."),
  secretRef: optional(5, LocalObjectReference, "Secret with the user's key."),
  readOnly: field(6, bool, readOnly),
}) {}
export class CinderVolumeSource extends message(volume("Cinder"), "A disk of OpenStack.", {
  volumeID: required(1, string, "Id of the disk."),
  fsType: field(2, string, fsType),
  readOnly: field(3, bool, readOnly),
  secretRef: optional(4, LocalObjectReference, "Secret with the access data."),
}) {}
export class CSIVolumeSource extends message(volume("CSI"), "A volume that a CSI driver makes for one pod.", {
  driver: required(1, string, "Name of the driver."),
  readOnly: optional(2, bool, readOnly),
  fsType: optional(3, string, fsType),
  volumeAttributes: field(4, map(string), "What the driver wants to know."),
  nodePublishSecretRef: optional(5, LocalObjectReference, "Secret for the driver."),
}) {}
export class FCVolumeSource extends message(volume("FC"), "A Fibre Channel disk.", {
  targetWWNs: field(1, list(string), "World-wide names of the targets.", atomic),
  lun: optional(2, int32, "Number of the disk."),
  fsType: field(3, string, fsType),
  readOnly: field(4, bool, readOnly),
  wwids: field(5, list(string), "World-wide ids of the disk, instead of targets and number.", atomic),
}) {}
export class FlexVolumeSource extends message(`${core}.FlexVolumeSource`, "A volume that a plugin on the node makes.", {
  driver: required(1, string, "Name of the plugin."),
  fsType: field(2, string, fsType),
  secretRef: optional(3, LocalObjectReference, "Secret for the plugin."),
  readOnly: field(4, bool, readOnly),
  options: field(5, map(string), "What the plugin wants to know."),
}) {}
export class FlockerVolumeSource extends message(volume("Flocker"), "A Flocker volume.", {
  datasetName: field(1, string, "Name of the dataset."),
  datasetUUID: field(2, string, "UUID of the dataset."),
}) {}
export class GCEPersistentDiskVolumeSource extends message(volume("GCEPersistentDisk"), "A disk of Google Cloud.", {
  pdName: required(1, string, "Name of the disk."),
  fsType: field(2, string, fsType),
  partition: field(3, int32, "Partition to mount; the whole disk, if 0."),
  readOnly: field(4, bool, readOnly),
}) {}
export class GitRepoVolumeSource extends message(volume("GitRepo"), "A Git repository.", {
  repository: required(1, string, "URL of the repository."),
  revision: field(2, string, "Commit to check out."),
  directory: field(3, string, "Directory to put it in."),
}) {}
export class GlusterfsVolumeSource extends message(volume("Glusterfs"), "A Gluster volume.", {
  endpoints: required(1, string, "Endpoints object of the servers."),
  path: required(2, string, "Name of the volume."),
  readOnly: field(3, bool, readOnly),
}) {}
export class ISCSIVolumeSource extends message(volume("ISCSI"), "An iSCSI disk.", {
  targetPortal: required(1, string, "Address of the target, with its port if it is not 3260."),
  iqn: required(2, string, "Name of the target."),
  lun: required(3, int32, "Number of the disk.", { default: 0 }),
  iscsiInterface: field(4, string, "Interface to use.", { default: "default" }),
  fsType: field(5, string, fsType),
  readOnly: field(6, bool, readOnly),
  portals: field(7, list(string), "Further addresses of the target.", atomic),
  chapAuthDiscovery: field(8, bool, "Does discovery authenticate by CHAP?"),
  secretRef: optional(10, LocalObjectReference, "Secret with the CHAP data."),
  chapAuthSession: field(11, bool, "Does the session authenticate by CHAP?"),
  initiatorName: optional(12, string, "Name of this side."),
}) {}
export class NFSVolumeSource extends message(volume("NFS"), "A directory of an NFS server.", {
  server: required(1, string, "Name or address of the server."),
  path: required(2, string, "Directory that it exports."),
  readOnly: field(3, bool, readOnly),
}) {}
export class PhotonPersistentDiskVolumeSource extends message(volume("PhotonPersistentDisk"), "A disk of Photon.", {
  pdID: required(1, string, "Id of the disk."),
  fsType: field(2, string, fsType),
}) {}
export class PortworxVolumeSource extends message(volume("Portworx"), "A Portworx volume.", {
  volumeID: required(1, string, "Id of the volume."),
  fsType: field(2, string, fsType),
  readOnly: field(3, bool, readOnly),
}) {}
export class QuobyteVolumeSource extends message(volume("Quobyte"), "A Quobyte volume.", {
  registry: required(1, string, "Addresses of the registries."),
  volume: required(2, string, "Name of the volume."),
  readOnly: field(3, bool, readOnly),
  user: field(4, string, "User who mounts it."),
  group: field(5, string, "Group that mounts it."),
  tenant: field(6, string, "Tenant that owns it."),
}) {}
export class RBDVolumeSource extends message(volume("RBD"), "A RADOS block device.", {
  monitors: required(1, list(string), "Its monitors.", atomic),
  image: required(2, string, "Name of the image."),
  fsType: field(3, string, fsType),
  pool: field(4, string, "Name of the pool.", { default: "rbd" }),
  user: field(5, string, "User of the pool.", { default: "admin" }),
  keyring: field(6, string, "File on the node with the user's key.", { default: "/etc/ceph/keyring" }),
  secretRef: optional(7, LocalObjectReference, "Secret with the user's key."),
  readOnly: field(8, bool, readOnly),
}) {}
export class ScaleIOVolumeSource extends message(volume("ScaleIO"), "A ScaleIO volume.", {
  gateway: required(1, string, "Address of the gateway."),
  system: required(2, string, "Name of the storage system."),
  secretRef: required(3, LocalObjectReference, "Secret with the access data."),
  sslEnabled: field(4, bool, "Is the gateway spoken to by TLS?"),
  protectionDomain: field(5, string, "Protection domain of the storage."),
  storagePool: field(6, string, "Pool in the domain."),
  storageMode: field(7, string, "Thick or thin.", { default: "ThinProvisioned" }),
  volumeName: field(8, string, "Name of the volume."),
  fsType: field(9, string, fsType, { default: "xfs" }),
  readOnly: field(10, bool, readOnly),
}) {}
export class StorageOSVolumeSource extends message(volume("StorageOS"), "A StorageOS volume.", {
  volumeName: field(1, string, "Name of the volume."),
  volumeNamespace: field(2, string, "Its namespace in StorageOS."),
  fsType: field(3, string, fsType),
  readOnly: field(4, bool, readOnly),
  secretRef: optional(5, LocalObjectReference, "Secret with the access data."),
}) {}
export class VsphereVirtualDiskVolumeSource extends message(volume("VsphereVirtualDisk"), "A disk of vSphere.", {
  volumePath: required(1, string, "Path of the disk."),
  fsType: field(2, string, fsType),
  storagePolicyName: field(3, string, "Name of its storage policy."),
  storagePolicyID: field(4, string, "Id of its storage policy."),
}) {}
