// What a PersistentVolume is made of: a pod's sources, but for Secrets, which may lie in any namespace.
import { bool, field, map, message, optional, required, string } from "../schema.ts";
import { ObjectReference } from "../reference.ts";
import { SecretReference } from "./pod/reference.ts";
import { HostPathVolumeSource } from "./pod/volume.ts";
import * as disk from "./pod/volume_disk.ts";

const core = "k8s.io.api.core.v1";
const volume = (name: string) => `${core}.${name}PersistentVolumeSource`;
const secretIn = (no: number, doc: string) => ({ secretRef: optional(no, SecretReference, doc) });

export class AzureFilePersistentVolumeSource extends message(volume("AzureFile"), "A share of Azure Files.", {
  ...disk.AzureFileVolumeSource.fields,
  secretNamespace: optional(4, string, "Namespace of the Secret; the claim's, if left out."),
}) {}
export class CephFSPersistentVolumeSource extends message(volume("CephFS"), "A Ceph file system.", {
  ...disk.CephFSVolumeSource.fields,
  ...secretIn(5, "Secret with the user's key."),
}) {}
export class CinderPersistentVolumeSource extends message(volume("Cinder"), "A disk of OpenStack.", {
  ...disk.CinderVolumeSource.fields,
  ...secretIn(4, "Secret with the access data."),
}) {}
export class CSIPersistentVolumeSource extends message(volume("CSI"), "A volume of a CSI driver.", {
  driver: required(1, string, "Name of the driver."),
  volumeHandle: required(2, string, "What the driver calls the volume."),
  readOnly: field(3, bool, "Is it mounted read-only?"),
  fsType: field(4, string, "Type of the file system on it."),
  volumeAttributes: field(5, map(string), "What the driver wants to know."),
  controllerPublishSecretRef: optional(6, SecretReference, "Secret for attaching it."),
  nodeStageSecretRef: optional(7, SecretReference, "Secret for preparing it on a node."),
  nodePublishSecretRef: optional(8, SecretReference, "Secret for mounting it."),
  controllerExpandSecretRef: optional(9, SecretReference, "Secret for making it bigger."),
  nodeExpandSecretRef: optional(10, SecretReference, "Secret for making it bigger on a node."),
}) {}
export class FlexPersistentVolumeSource extends message(volume("Flex"), "A volume that a plugin on the node makes.", {
  ...disk.FlexVolumeSource.fields,
  ...secretIn(3, "Secret for the plugin."),
}) {}
export class GlusterfsPersistentVolumeSource extends message(volume("Glusterfs"), "A Gluster volume.", {
  ...disk.GlusterfsVolumeSource.fields,
  endpointsNamespace: optional(4, string, "Namespace of the Endpoints object; the claim's, if left out."),
}) {}
export class ISCSIPersistentVolumeSource extends message(volume("ISCSI"), "An iSCSI disk.", {
  ...disk.ISCSIVolumeSource.fields,
  ...secretIn(10, "Secret with the CHAP data."),
}) {}
export class LocalVolumeSource extends message(`${core}.LocalVolumeSource`, "A disk or directory of one node.", {
  path: required(1, string, "Its path on the node."),
  fsType: optional(2, string, "Type of the file system on it, if it is a disk."),
}) {}
export class RBDPersistentVolumeSource extends message(volume("RBD"), "A RADOS block device.", {
  ...disk.RBDVolumeSource.fields,
  ...secretIn(7, "Secret with the user's key."),
}) {}
export class ScaleIOPersistentVolumeSource extends message(volume("ScaleIO"), "A ScaleIO volume.", {
  ...disk.ScaleIOVolumeSource.fields,
  secretRef: required(3, SecretReference, "Secret with the access data."),
}) {}
export class StorageOSPersistentVolumeSource extends message(volume("StorageOS"), "A StorageOS volume.", {
  ...disk.StorageOSVolumeSource.fields,
  secretRef: optional(5, ObjectReference, "Secret with the access data."),
}) {}

export class PersistentVolumeSource extends message(`${core}.PersistentVolumeSource`, "What a volume is made of: one of these.", {
  gcePersistentDisk: optional(1, disk.GCEPersistentDiskVolumeSource, "A disk of Google Cloud."),
  awsElasticBlockStore: optional(2, disk.AWSElasticBlockStoreVolumeSource, "A disk of AWS."),
  hostPath: optional(3, HostPathVolumeSource, "A file or directory of whatever node the pod is on."),
  glusterfs: optional(4, GlusterfsPersistentVolumeSource, "A Gluster volume."),
  nfs: optional(5, disk.NFSVolumeSource, "A directory of an NFS server."),
  rbd: optional(6, RBDPersistentVolumeSource, "A RADOS block device."),
  iscsi: optional(7, ISCSIPersistentVolumeSource, "An iSCSI disk."),
  cinder: optional(8, CinderPersistentVolumeSource, "A disk of OpenStack."),
  cephfs: optional(9, CephFSPersistentVolumeSource, "A Ceph file system."),
  fc: optional(10, disk.FCVolumeSource, "A Fibre Channel disk."),
  flocker: optional(11, disk.FlockerVolumeSource, "A Flocker volume."),
  flexVolume: optional(12, FlexPersistentVolumeSource, "A volume that a plugin on the node makes."),
  azureFile: optional(13, AzureFilePersistentVolumeSource, "A share of Azure Files."),
  vsphereVolume: optional(14, disk.VsphereVirtualDiskVolumeSource, "A disk of vSphere."),
  quobyte: optional(15, disk.QuobyteVolumeSource, "A Quobyte volume."),
  azureDisk: optional(16, disk.AzureDiskVolumeSource, "A disk of Azure."),
  photonPersistentDisk: optional(17, disk.PhotonPersistentDiskVolumeSource, "A disk of Photon."),
  portworxVolume: optional(18, disk.PortworxVolumeSource, "A Portworx volume."),
  scaleIO: optional(19, ScaleIOPersistentVolumeSource, "A ScaleIO volume."),
  local: optional(20, LocalVolumeSource, "A disk or directory of one node."),
  storageos: optional(21, StorageOSPersistentVolumeSource, "A StorageOS volume."),
  csi: optional(22, CSIPersistentVolumeSource, "A volume of a CSI driver."),
}) {}
