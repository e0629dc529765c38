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
export { MIN_MEMORY, type JobData, type Offer, type StepResult } from './jobs.js';
export { BadInput, GraphRun, StepInputs, type Kind, type Kinds, type StepRun } from './kind.js';
export { drain, queueStatus, removeGarbage, retryFailed, type QueueStatus } from './manage.js';
export { modelPlan } from './model/model-plan.js';
export {
  MODEL_KINDS,
  proveOnQueue,
  type QueueProof,
  type QueueProveOptions,
} from './model/prove-on-queue.js';
export { Plan, PROTOCOL, stepId, type Need, type PlannedStep, type PlanJson } from './plan.js';
export { runPlan, type PlanResult, type RunOptions } from './run-plan.js';
export { QueueServer, type ServerOptions } from './server.js';
export { StepWorker, type WorkerEvent, type WorkerSettings } from './worker.js';
