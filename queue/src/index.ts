/** Steps of proofs on many machines. */
export {
  ArtifactStore,
  isBadArtifact,
  KEY_VARIABLE,
  MIN_GARBAGE_MS,
  type Hash,
} from './artifacts/artifact-store.js';
export { type BlobInfo, type Blobs } from './artifacts/blobs.js';
export { FolderBlobs } from './artifacts/folder-blobs.js';
export { S3Blobs } from './artifacts/s3-blobs.js';
export { fetchFolder, fetchInto, putFolder, readFolderList } from './artifacts/folder-artifact.js';
